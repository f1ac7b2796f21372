// What main knows of a global struct lasts until others may have written it.
// RUN: %safespawn_verify %s
#include "Inputs/pthread.h"

static struct server {
  pthread_mutex_t mu;
  int waiting;
  int closed;
} server = {PTHREAD_MUTEX_INITIALIZER, 0, 0};

int next_client(void);

int main(void) {
  if (server.closed)
    pthread_mutex_unlock(&server.mu);
  pthread_mutex_lock(&server.mu); // expected-note{{'server.mu' is taken here}}
  if (server.waiting) // expected-note 0+{{}}
    pthread_mutex_lock(&server.mu); // expected-warning{{lock 'server.mu' is taken again by the thread that holds it [safespawn.lock.DoubleLock]}}
  pthread_mutex_unlock(&server.mu);
  return 0;
}
