// A lock that is made when it is first asked for, behind wrappers that look whether it is there: they ask the same in
// other functions, and behind calls that nobody sees, and get the same answer.
// RUN: %safespawn_verify %s
#include "Inputs/pthread.h"

void *malloc(unsigned long size);
enum { Magic = 0x1fce };

struct mutex {
  unsigned magic;
  void *lock;
};

static int made, to_console;
static void *out;
static char name[100];
static struct mutex log_mutex;

int logged(const char *text);
int differs(const char *a, const char *b);
void *reopen(const char *name);

static int take(const struct mutex *m) {
  int error = -1;
  if (m && m->lock && m->magic == Magic)
    error = pthread_mutex_lock((pthread_mutex_t *)m->lock); // expected-note{{'log_mutex.lock' is taken here}}
  return error;
}

static int give(const struct mutex *m) {
  int error = -1;
  if (m && m->lock && m->magic == Magic)
    error = pthread_mutex_unlock((pthread_mutex_t *)m->lock);
  return error;
}

static int make(struct mutex *m) {
  m->lock = malloc(sizeof(pthread_mutex_t));
  if (!m->lock)
    return -1;
  m->magic = Magic;
  return pthread_mutex_init((pthread_mutex_t *)m->lock, 0);
}

static void log_lock(void) {
  if (!made)
    make(&log_mutex);
  take(&log_mutex);
}

static void log_unlock(void) { give(&log_mutex); }

void good_rolls_over(void) {
  if (to_console || !name[0])
    return;
  log_lock();
  if (out && name[0]) {
    char other[100];
    if (differs(name, other))
      logged(name);
  }
  log_unlock();
}

void bad_returns_early(void) {
  log_lock();
  if (differs(name, name)) // expected-note{{'differs(name, name)' holds: taking the early return}}
    return; // expected-warning{{lock 'log_mutex.lock' is still held when 'bad_returns_early' returns [safespawn.lock.Leak]}}
  log_unlock();
}
