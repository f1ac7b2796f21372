// A call in another round of a loop finds nothing new where the path knows no more than in the round before: what the
// loop calls is not explored once more for each round.
// RUN: %safespawn_verify %s
// RUN: %command check --stats --no-config %s -- -I%project/test > %t.out
// RUN: FileCheck %s --check-prefix=STATS < %t.out
// STATS: total {{ *}}5 {{ *}}5 {{ *}}4 {{ *}}4 {{ *}}0
// expected-no-diagnostics
#include "Inputs/pthread.h"

struct stream {
  pthread_mutex_t mu;
  pthread_cond_t idle;
  int busy, fd, dir, cipher, keep, async, level, name, digits;
};

long fetch(int fd);
int flush(struct stream *s), drop(int fd), encode(int cipher), make_name(struct stream *s);

// Its caller has taken the lock.
static void wait_idle(struct stream *s) {
  while (s->busy)
    pthread_cond_wait(&s->idle, &s->mu);
}

static int shut(struct stream *s) {
  int error = 0, locked = 0;
  if (s->async) {
    pthread_mutex_lock(&s->mu);
    locked = 1;
  } else if (s->busy) {
    wait_idle(s);
  }
  if (s->level)
    error = flush(s);
  if (s->cipher && s->fd == -1)
    error = encode(s->cipher);
  if (s->fd != -1) {
    drop(s->fd);
    s->fd = -1;
    if (s->cipher)
      s->cipher = encode(s->cipher);
  }
  if (s->dir != -1) {
    drop(s->dir);
    s->dir = -1;
  }
  if (!s->keep) {
    if (!s->name && (error = make_name(s)))
      goto done;
    s->name = 0;
  }
done:
  if (locked)
    pthread_mutex_unlock(&s->mu);
  return error;
}

static int reopen(struct stream *s) {
  int error = shut(s);
  if (!error && s->digits)
    error = make_name(s);
  return error;
}

static int check(struct stream *s) {
  int error = 0;
  if (s->digits == 0)
    return 0;
  if (fetch(s->dir) < 0)
    error = reopen(s);
  else if (fetch(s->fd) != s->digits)
    error = reopen(s);
  else if (s->level)
    error = reopen(s);
  return error;
}

int good_reads(struct stream *s) {
  int running = 1, error = 0;
  while (running) {
    if ((error = make_name(s)))
      break;
    if (s->keep) {
      const int found = check(s);
      if (found == 7)
        continue;
      if ((error = found))
        break;
    }
    const long length = fetch(s->fd);
    if (length == 0)
      error = shut(s);
    else if (length < 0)
      error = -1;
    else
      running = 0;
    if (error)
      break;
  }
  return error;
}
