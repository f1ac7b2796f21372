/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Main and its thread take turns. */
#include <pthread.h>
#include <stdio.h>

struct game {
	pthread_mutex_t lock;
	pthread_cond_t turned;
	int turn;
};

static void play(struct game *game, int me, const char *word)
{
	for (int i = 0; i < 3; i++) {
		pthread_mutex_lock(&game->lock);
		while (game->turn != me)
			pthread_cond_wait(&game->turned, &game->lock);
		printf("%s %d\n", word, i);
		game->turn = !me;
		pthread_cond_signal(&game->turned);
		pthread_mutex_unlock(&game->lock);
	}
}

static void *answer(void *arg)
{
	play(arg, 1, "pong");
	return NULL;
}

int main(void)
{
	struct game game = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
	pthread_t other;

	if (pthread_create(&other, NULL, answer, &game))
		return 1;
	play(&game, 0, "ping");
	pthread_join(other, NULL);
	pthread_cond_destroy(&game.turned);
	pthread_mutex_destroy(&game.lock);
	return 0;
}
