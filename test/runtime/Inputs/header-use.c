
int fetch(void *arg);
int fetch_all(int *ids, int count, pthread_mutex_t *mutex, int *done);
void count_up(void *arg);

int fetch_all(int *ids, int count, pthread_mutex_t *mutex, int *done)
{
	SS_SCOPE(s, .name = "fetch", .deadline = ss_after(SS_SEC(5)));
	SS_DEFER(count_up, done);
	ss_task last;
	ss_error error;
	int err;

	if (s_rc)
		return s_rc;
	for (int i = 0; i < count; i++) {
		err = ss_spawn_copy(&s, fetch, &ids[i], sizeof(ids[i]));
		if (err)
			return err;
	}
	err = ss_spawn_task(&s, &last, SS_TASK_FRESH | SS_TASK_INHERIT_MASK, fetch, &ids[0]);
	if (err)
		return err;
	{
		SS_LOCK(mutex);
		*done += ss_lock_ok(mutex);
	}
	{
		SS_SCOPE(nested, .name = NULL);

		if (!nested_rc)
			return ss_spawn(&nested, fetch, ids);
	}
	if (ss_task_join(&last, NULL) == 33)
		ss_fail(33, "the last of %d", count);
	return ss_scope_join(&s, &error);
}
