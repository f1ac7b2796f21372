// RUN: %safespawn_verify -I%project/runtime/include %s
// RUN: %analyze_verify -I%project/runtime/include -Xclang -verify-ignore-unexpected=note %s
#include <errno.h>
#include <safespawn.h>

struct job {
  ss_cancel *stop;
  const char *path;
};

int fetch(const char *path, ss_cancel *stop);
int clean_up(ss_cancel *stop);
int step(void *arg);

int bad_none(const char *path, ss_cancel *stop) { // expected-note{{'stop' comes from here}}
  return fetch(path, NULL); // expected-warning{{'fetch' gets no token, though 'stop' is at hand: a request to stop does not reach it [safespawn.cancel.FreshToken]}}
}

int bad_new_root(const char *path, ss_cancel *stop) {
  ss_cancel mine;
  int err = ss_cancel_init(&mine, NULL); // expected-note{{the token is made here, and nothing tells it}}
  if (err)
    return err;
  err = fetch(path, &mine); // expected-warning{{'fetch' gets a new token, though 'stop' is at hand: a request to stop does not reach it [safespawn.cancel.FreshToken]}}
  ss_cancel_done(&mine);
  return err;
}

int bad_made_ambient(ss_cancel *stop) {
  ss_cancel mine;
  if (ss_cancel_init(&mine, NULL)) // expected-note{{the token is made here, and nothing tells it}}
    return -1;
  int err = ss_with_token(&mine, step, NULL); // expected-warning{{'ss_with_token' gets a new token, though 'stop' is at hand: a request to stop does not reach it [safespawn.cancel.FreshToken]}}
  ss_cancel_done(&mine);
  return err;
}

int bad_token_in_a_struct(struct job *job) { // expected-note{{'job->stop' comes from here}}
  return fetch(job->path, NULL); // expected-warning{{'fetch' gets no token, though 'job->stop' is at hand: a request to stop does not reach it [safespawn.cancel.FreshToken]}}
}

int good_handed_on(const char *path, ss_cancel *stop) { return fetch(path, stop); }

int good_child(const char *path, ss_cancel *stop) {
  ss_cancel mine;
  int err = ss_cancel_init(&mine, stop);
  if (err)
    return err;
  ss_cancel_at(&mine, ss_after(SS_SEC(5)));
  err = fetch(path, &mine);
  ss_cancel_done(&mine);
  return err;
}

int fetch_with(struct job *job, ss_cancel *also);

int good_token_by_another_argument(const char *path, ss_cancel *stop) {
  struct job job = {.stop = stop, .path = path};
  return fetch_with(&job, stop);
}

int fetch_either(ss_cancel *a, ss_cancel *b);

int good_one_of_two(ss_cancel *stop) { return fetch_either(stop, NULL); }

int good_no_token_at_hand(const char *path) {
  ss_cancel mine;
  if (ss_cancel_init(&mine, NULL))
    return fetch(path, NULL);
  int err = fetch(path, &mine);
  ss_cancel_done(&mine);
  return err;
}

int good_clean_up_after_the_request(const char *path, ss_cancel *stop) {
  int err = fetch(path, stop);
  if (ss_cancel_state(stop))
    clean_up(NULL);
  return err;
}

int good_clean_up_after_a_wait(ss_cancel *stop) {
  ss_cancel_wait(stop, SS_NEVER);
  return clean_up(NULL);
}

int good_token_that_may_be_missing(const char *path, ss_cancel *stop) {
  return stop ? fetch(path, stop) : fetch(path, NULL);
}

int good_token_in_a_struct(struct job *job) { return fetch(job->path, job->stop); }
