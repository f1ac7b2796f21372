// RUN: %safespawn_verify %s
// RUN: %analyze_verify -Xclang -verify-ignore-unexpected=note %s
#include "Inputs/pthread.h"

void *work(void *arg);

// main's own frame ends when main ends its thread only.
int main(int argc, char **argv) {
  pthread_t t;
  int number = argc;
  if (pthread_create(&t, NULL, work, &number))
  // expected-warning@-1{{thread 't' gets the address of local 'number' and may outlive 'main' [safespawn.thread.StackEscape]}}
    return 1;
  if (pthread_detach(t)) // expected-note{{'t' is detached here}}
    return 2;
  pthread_exit(argv); // expected-note{{'main' ends here, and 'number' with it}}
}
