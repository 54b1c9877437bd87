// SPDX-License-Identifier: BSD-2-Clause
#include <stddef.h>

#include "work.h"

#define NODES 64
#define N 12
#define TEXT 256

struct node {
	struct node *next;
	int16_t key;
	uint16_t tag;
};

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, BAD, STATES };

static struct node nodes[NODES];
static int16_t a[N][N], b[N][N];
static int32_t c[N][N];
static char text[TEXT];

static uint32_t mix(uint32_t x)
{
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static uint16_t crc16(uint32_t data, unsigned int bits, uint16_t crc)
{
	while (bits--) {
		uint16_t carry = (data ^ crc) & 1;

		crc >>= 1;
		if (carry)
			crc ^= 0xa001;
		data >>= 1;
	}
	return crc;
}

static struct node *list_fill(uint32_t seed)
{
	int i;

	for (i = 0; i < NODES; i++) {
		seed = mix(seed);
		nodes[i].key = seed >> 16;
		nodes[i].tag = i;
		nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : NULL;
	}
	return &nodes[0];
}

static struct node *list_reverse(struct node *list)
{
	struct node *done = NULL;

	while (list) {
		struct node *next = list->next;

		list->next = done;
		done = list;
		list = next;
	}
	return done;
}

static struct node *list_merge(struct node *x, struct node *y)
{
	struct node head, *last = &head;

	while (x && y) {
		struct node **less = x->key <= y->key ? &x : &y;

		last->next = *less;
		last = *less;
		*less = last->next;
	}
	last->next = x ? x : y;
	return head.next;
}

static struct node *list_sort(struct node *list)
{
	struct node *slow = list, *fast, *half;

	if (!list || !list->next)
		return list;
	for (fast = list->next; fast && fast->next; fast = fast->next->next)
		slow = slow->next;
	half = slow->next;
	slow->next = NULL;
	return list_merge(list_sort(list), list_sort(half));
}

static uint16_t list_work(uint32_t seed, uint16_t crc)
{
	struct node *list = list_sort(list_reverse(list_fill(seed))), *n;
	int i;

	for (n = list; n; n = n->next)
		crc = crc16((uint16_t)n->key, 16, crc);
	for (i = 0; i < NODES; i += 5) {
		for (n = list; n && n->tag != i; n = n->next)
			;
		crc = crc16(n ? (uint16_t)n->key : 0, 16, crc);
	}
	return crc;
}

static uint16_t matrix_work(uint32_t seed, uint16_t crc)
{
	int i, j, k;

	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++) {
			seed = mix(seed);
			a[i][j] = seed;
			b[i][j] = seed >> 16;
		}
	}
	for (i = 0; i < N; i++) {
		for (j = 0; j < N; j++) {
			int32_t sum = 0;

			for (k = 0; k < N; k++)
				sum += (a[i][k] * b[k][j]) >> 3;
			c[i][j] = sum;
		}
	}
	for (i = 0; i < N; i++)
		crc = crc16(c[i][(i * 5) % N] ^ c[i][i], 32, crc);
	return crc;
}

static enum state step(enum state s, char ch)
{
	int digit = ch >= '0' && ch <= '9';

	switch (s) {
	case START:
		return digit ? INTEGER : ch == '+' || ch == '-' ? SIGN : ch == '.' ? POINT : BAD;
	case SIGN:
		return digit ? INTEGER : ch == '.' ? POINT : BAD;
	case INTEGER:
		return digit ? INTEGER : ch == '.' ? FRACTION : ch == 'e' ? EXPONENT : BAD;
	case POINT:
	case FRACTION:
		return digit ? FRACTION : ch == 'e' ? EXPONENT : BAD;
	case EXPONENT:
		return digit || ch == '-' ? EXPONENT : BAD;
	default:
		return BAD;
	}
}

static uint16_t text_work(uint32_t seed, uint16_t crc)
{
	static const char letters[] = "0123456789012345+-..e,,x";
	uint32_t count[STATES] = { 0 };
	enum state s = START;
	int i;

	for (i = 0; i < TEXT; i++) {
		seed = mix(seed);
		text[i] = letters[((seed & 0xffff) * (sizeof(letters) - 1)) >> 16];
	}
	for (i = 0; i < TEXT; i++) {
		s = text[i] == ',' ? START : step(s, text[i]);
		count[s]++;
	}
	for (i = 0; i < STATES; i++)
		crc = crc16(count[i], 16, crc);
	return crc;
}

uint32_t work(uint32_t seed, uint32_t rounds)
{
	uint16_t crc = 0xffff;

	while (rounds--) {
		seed = mix(seed + rounds);
		crc = list_work(seed, crc);
		crc = matrix_work(seed, crc);
		crc = text_work(seed, crc);
	}
	return (uint32_t)crc << 16 | (seed & 0xffff);
}
