/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rings of what is embedded in other objects. */
#include "ssi.h"

void ssi_list_append(struct ssi_list *list, struct ssi_list *item)
{
	item->prev = list->prev;
	item->next = list;
	list->prev->next = item;
	list->prev = item;
}

void ssi_list_remove(struct ssi_list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	ssi_list_init(item);
}
