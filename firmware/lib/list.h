/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Doubly linked intrusive list with a head that is itself a node. A node that is in no list points
 * to itself.
 */
#ifndef FW_LIST_H
#define FW_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

/* Versions of clang-format disagree about the minus. */
/* clang-format off */
#define list_entry(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
/* clang-format on */

static inline void list_init(struct list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_add_tail(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void list_del(struct list *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
	list_init(n);
}

#endif
