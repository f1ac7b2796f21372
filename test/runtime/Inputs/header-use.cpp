
int fetch(void *arg);
int fetch_all(int *ids, int count, pthread_mutex_t *mutex, int *done);
void count_up(void *arg);

int fetch_all(int *ids, int count, pthread_mutex_t *mutex, int *done)
{
	SS_SCOPE(s, .name = "fetch", .limit = 2, .deadline = ss_after(SS_SEC(5)));
	SS_DEFER(count_up, done);
	if (s_rc)
		return s_rc;
	for (int i = 0; i < count; i++)
		if (int err = ss_spawn_copy(&s, fetch, &ids[i], sizeof(ids[i])))
			return err;
	SS_LOCK(mutex);
	return ss_scope_join(&s, nullptr);
}
