// The JSON report, whole: each key is always there.
// RUN: %safespawn -fplugin-arg-safespawn-quiet -fplugin-arg-safespawn-report=%t.json %s 2>&1 | count 0
// RUN: %python -m json.tool %t.json > %t.again && FileCheck %s < %t.again
#include <pthread.h>

void *work(void *arg);

int loads(int hurry) {
  pthread_t t;
  if (pthread_create(&t, NULL, work, NULL))
    return -1;
  if (hurry) {
    return -2;
  }
  return pthread_join(t, NULL);
}

int joins_twice(pthread_t t) {
  pthread_join(t, NULL);
  return pthread_join(t, NULL);
}

int has_no_threads(int a) { return a; }

// CHECK:      {
// CHECK-NEXT: "version": 1,
// CHECK-NEXT: "main": "{{/.*}}report.c",
// CHECK-NEXT: "complete": true,
// CHECK-NEXT: "functions": {
// CHECK-NEXT: "seen": 3,
// CHECK-NEXT: "relevant": 2,
// CHECK-NEXT: "suspects": 2,
// CHECK-NEXT: "proved": 2,
// CHECK-NEXT: "unproved": 0,
// CHECK-NEXT: "skipped": 0
// CHECK-NEXT: },
// CHECK-NEXT: "problems": [],
// CHECK-NEXT: "reports": [
// CHECK-NEXT: {
// CHECK-NEXT: "rule": "safespawn.thread.Leak",
// CHECK-NEXT: "class": "resource",
// CHECK-NEXT: "function": "loads",
// CHECK-NEXT: "file": "{{/.*}}report.c",
// CHECK-NEXT: "line": 13,
// CHECK-NEXT: "column": 5,
// CHECK-NEXT: "offset": {{[0-9]+}},
// CHECK-NEXT: "message": "leaves 'loads' with thread 't' neither joined nor detached",
// CHECK-NEXT: "notes": [
// CHECK-NEXT: {
// CHECK-NEXT: "file": "{{/.*}}report.c",
// CHECK-NEXT: "line": 10,
// CHECK-NEXT: "column": 7,
// CHECK-NEXT: "offset": {{[0-9]+}},
// CHECK-NEXT: "message": "'t' is spawned here"
// CHECK-NEXT: },
// CHECK:      ],
// CHECK-NEXT: "fixes": [
// CHECK-NEXT: {
// CHECK-NEXT: "name": "join",
// CHECK-NEXT: "title": "join 't' before {{.*}}",
// CHECK-NEXT: "edits": [
// CHECK-NEXT: {
// CHECK-NEXT: "file": "{{/.*}}report.c",
// CHECK-NEXT: "offset": {{[0-9]+}},
// CHECK-NEXT: "length": {{[0-9]+}},
// CHECK-NEXT: "text": "{{.*}}pthread_join(t, NULL);{{.*}}"
// CHECK-NEXT: }
// CHECK:      "rule": "safespawn.thread.DoubleJoin",
// CHECK-NEXT: "class": "behavioral",
// CHECK-NEXT: "function": "joins_twice",
// CHECK:      "message": "handle 't' is joined a second time",
// CHECK:      "fixes": []
// CHECK-NEXT: }
// CHECK-NEXT: ]
// CHECK-NEXT: "rewrites": [],
// CHECK-NEXT: "left": [],
// CHECK-NEXT: "files": {
// CHECK-NEXT: "{{.*}}/report.c": "{{[0-9a-f]+}}"
// CHECK-NEXT: }
// CHECK-NEXT: }
