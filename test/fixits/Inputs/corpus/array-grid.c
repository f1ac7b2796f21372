/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows and columns. */
#include <pthread.h>
#include <stdio.h>

enum { ROWS = 2, COLUMNS = 3 };

struct cell {
	int row, column, value;
};

static void *fill(void *arg)
{
	struct cell *cell = arg;

	cell->value = cell->row * 10 + cell->column;
	return NULL;
}

int main(void)
{
	struct cell cells[ROWS][COLUMNS];
	pthread_t threads[ROWS][COLUMNS];

	for (int r = 0; r < ROWS; r++) {
		for (int c = 0; c < COLUMNS; c++) {
			cells[r][c] = (struct cell){ r, c, 0 };
			if (pthread_create(&threads[r][c], NULL, fill, &cells[r][c]) != 0)
				return 1;
		}
	}
	for (int r = 0; r < ROWS; r++)
		for (int c = 0; c < COLUMNS; c++)
			pthread_join(threads[r][c], NULL);
	for (int r = 0; r < ROWS; r++)
		printf("%d %d %d\n", cells[r][0].value, cells[r][1].value, cells[r][2].value);
	return 0;
}
