/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks the adapter to reach memory that it was not given: what it writes must not arrive, what it
 * reads must not come, it counts each refusal, and works on.
 *
 *   confined DEVICE
 *
 * A queue pair made by hand has a ring at such an address: the adapter reads the submission ring and
 * writes the completion ring.
 */
#include <stdio.h>
#include <string.h>

#include <weft/bus.h>
#include <weft/dev.h>
#include <weft/mem.h>

#include "check.h"
#include "weft_host.h"

#define PAIR 100u /* a number the driver, which counts from 1, does not use here */
#define LOG2_SQ 4u
#define LOG2_CQ 5u
#define FILL 0x5a
#define WAIT_MS 20000u
#define ECHO 0x77656674u

struct rings {
	void *memory;
	uint64_t sq, cq; /* IOVAs that are good */
};

static uint32_t counter(struct weft_dev *dev, unsigned int number)
{
	uint32_t val = 0;
	int rc = weft_dev_counter(dev, number, &val);

	if (rc)
		check(false, "counter %s: %d", weft_counter_name(number), rc);
	return val;
}

static void make_rings(struct weft_dev *dev, struct rings *r)
{
	r->memory = weft_mem_alloc(dev, 2 * PAGE);
	check(r->memory && !weft_mem_iova(dev, r->memory, 2 * PAGE, &r->sq), "rings of our own");
	r->cq = r->sq + PAGE;
}

/* The pair with these rings gets one entry; the counter must rise. */
static void provoke(struct weft_dev *dev, const char *what, uint64_t sq, uint64_t cq,
		    unsigned int number)
{
	struct weft_arg_qp_create make = {
		.sq_base = sq,
		.cq_base = cq,
		.qp = PAIR,
		.sq_log2 = LOG2_SQ,
		.cq_log2 = LOG2_CQ,
	};
	struct weft_arg_qp drop = { .qp = PAIR };
	uint32_t before = counter(dev, number), after = before;
	unsigned int ms;
	int rc = weft_admin(dev, WEFT_OP_QP_CREATE, &make, sizeof(make), 0, NULL);

	check(!rc, "%s: a pair with rings at 0x%llx and 0x%llx", what, (unsigned long long)sq,
	      (unsigned long long)cq);
	rc = weft_dev_write32(dev, WEFT_DB_PAGE + PAIR * WEFT_DB_STRIDE + WEFT_DB_SQ_TAIL, 1);
	for (ms = 0; !rc && after == before && ms < WAIT_MS; ms += 10) {
		nap(10);
		weft_dev_poll(dev);
		after = counter(dev, number);
	}
	check(after != before, "%s: the adapter counts %u refusals as %s", what, after - before,
	      weft_counter_name(number));
	rc = weft_admin(dev, WEFT_OP_QP_DELETE, &drop, sizeof(drop), 0, NULL);
	check(!rc, "%s: the pair goes away", what);
}

/* Both kinds of access to an address whose page, if there is one, must stay as it is. */
static void provoke_both(struct weft_dev *dev, const struct rings *r, const char *what,
			 uint64_t iova, const uint8_t *page)
{
	provoke(dev, what, r->sq, iova, WEFT_CNT_DMA_WR_ERR);
	if (page)
		check(page_is(page, FILL, PAGE), "%s: the page is what it was", what);
	provoke(dev, what, iova, r->cq, WEFT_CNT_DMA_RD_ERR);
}

static void stale(struct weft_dev *dev, const struct rings *r)
{
	uint8_t *page = page_new(1, FILL);
	uint64_t iova = 0;

	check(!weft_mem_register(dev, page, PAGE) && !weft_mem_iova(dev, page, PAGE, &iova),
	      "a page is lent");
	provoke(dev, "while it is lent", r->sq, iova, WEFT_CNT_CQE_WRITTEN);
	check(!page_is(page, FILL, PAGE), "the adapter writes to it");
	check(!weft_mem_unregister(dev, page), "it is taken back");
	memset(page, FILL, PAGE);
	provoke_both(dev, r, "taken back", iova, page);
}

int main(int argc, char **argv)
{
	struct weft_bus *bus;
	struct weft_dev *dev;
	struct rings r;
	uint8_t *page;

	if (argc != 2) {
		fputs("usage: confined DEVICE\n", stderr);
		return 2;
	}
	check(!weft_bus_open(argv[1], &bus), "open %s", argv[1]);
	check(!weft_dev_open(bus, NULL, &dev), "start");
	make_rings(dev, &r);
	stale(dev, &r);
	page = page_new(1, FILL);
	provoke_both(dev, &r, "physical address", page_physical(page), page);
	provoke_both(dev, &r, "nothing is there", 1ull << 38, NULL);
	check(!weft_nop(dev, ECHO), "the adapter works on");
	weft_mem_free(dev, r.memory);
	weft_dev_close(dev);
	return 0;
}
