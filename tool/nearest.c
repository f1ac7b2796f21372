/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "nearest.h"

#include <ctype.h>
#include <string.h>

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Optimal string alignment; three rows are enough, and words here are option names and rule ids. */
static size_t distance(const char *a, const char *b)
{
	size_t width = strlen(b) + 1;
	size_t *rows = zalloc(3 * width, sizeof(*rows));
	size_t *before = rows;
	size_t *above = rows + width;
	size_t *row = rows + 2 * width;
	size_t result;

	for (size_t j = 0; j < width; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j < width; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = smaller(above[j] + 1, row[j - 1] + 1);
			row[j] = smaller(row[j], above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	result = row[width - 1];
	free(rows);
	return result;
}

const char *nearest(const char *word, const struct strings *candidates)
{
	const char *best = NULL;
	size_t best_distance = strlen(word) / 3 + 2;

	for (size_t i = 0; i < candidates->n; i++) {
		size_t far = distance(word, candidates->v[i]);

		if (strlen(word) > 1 && starts_with(candidates->v[i], word))
			far = smaller(far, 1);
		if (far < best_distance && far < strlen(candidates->v[i])) {
			best = candidates->v[i];
			best_distance = far;
		}
	}
	return best;
}
