// A header that is not there ends the compile, and Clang tells no error behind it: the report is not complete.
// RUN: not %safespawn -fplugin-arg-safespawn-report=%t.json %s 2>&1 | FileCheck --check-prefix=TEXT %s
// RUN: FileCheck --check-prefix=JSON %s < %t.json
#include "no/such/header.h"
#include <pthread.h>

int joins_twice(pthread_t t) {
  undeclared(t);
  pthread_join(t, NULL);
  return pthread_join(t, NULL);
}

// TEXT: fatal.c:4:10: fatal error: 'no/such/header.h' file not found

// JSON:      "complete": false
// JSON:      "problems": [
// JSON:      "kind": "error",
// JSON-NEXT: "function": "",
// JSON-NEXT: "file": "{{/.*}}fatal.c"
// JSON:      "why": "{{.+}}"
