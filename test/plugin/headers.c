// What a header of the project defines is the project's code; what a system header defines is not.
// RUN: rm -rf %t && mkdir -p %t/project %t/system
// RUN: sed -e s/NAME/in_the_project/ %S/Inputs/inline.h > %t/project/project.h
// RUN: sed -e s/NAME/in_the_system/ %S/Inputs/inline.h > %t/system/system.h
// RUN: %safespawn -I %t/project -isystem %t/system -fplugin-arg-safespawn-report=%t/report.json %s 2> %t/err
// RUN: FileCheck --implicit-check-not=warning: %s < %t/err
// RUN: FileCheck --check-prefix=JSON --implicit-check-not=in_the_system %s < %t/report.json
#include <pthread.h>

#include <project.h>
#include <system.h>

int uses_both(pthread_t a, pthread_t b) { return in_the_project(a) + in_the_system(b); }

// CHECK: project.h:6:10: warning: handle 't' is joined a second time [safespawn.thread.DoubleJoin]
// CHECK: project.h:5:3: note: 't' is first joined here
// JSON: "main": "{{/.*}}headers.c"
// JSON: "function": "in_the_project"
// JSON-NEXT: "file": "{{/.*}}/project/project.h"
// JSON-NEXT: "line": 6
