// A function with an error in it is skipped and named; what stands before and behind it is analysed.
// RUN: not %safespawn -fplugin-arg-safespawn-report=%t.json %s 2> %t.err
// RUN: FileCheck --check-prefix=TEXT %s < %t.err
// RUN: FileCheck --check-prefix=JSON %s < %t.json
#include <pthread.h>

void *work(void *arg);
int prepare(void);

int leaks(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return prepare();
  // TEXT: broken-code.c:[[@LINE-1]]:3: warning: leaves 'leaks' {{.*}} [safespawn.thread.Leak]
}

int broken(void) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  return no_such_thing;
}

int syntax(pthread_t t) {
  pthread_join(t, NULL);
  if (prepare()
    return -1;
  return pthread_join(t, NULL);
}

int joins_twice(pthread_t t) {
  pthread_join(t, NULL);
  return pthread_join(t, NULL);
  // TEXT: broken-code.c:[[@LINE-1]]:10: warning: handle 't' is joined a second time [safespawn.thread.DoubleJoin]
}

// TEXT-NOT: warning:
// TEXT: 2 warnings and 2 errors generated.

// JSON:      "complete": false
// JSON:      "seen": 4
// JSON:      "skipped": 2
// JSON:      "problems": [
// JSON:      "kind": "skipped"
// JSON-NEXT: "function": "broken"
// JSON-NEXT: "file": "{{/.*}}broken-code.c"
// JSON-NEXT: "line": 18
// JSON:      "kind": "skipped"
// JSON-NEXT: "function": "syntax"
// JSON:      "reports": [
// JSON:      "function": "leaks"
// JSON:      "function": "joins_twice"
