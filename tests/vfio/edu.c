/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver's VFIO bus against a device that no one here wrote: QEMU's `edu`, a teaching device
 * with a few registers, a buffer, DMA and one MSI vector (no MSI-X).
 *
 *   edu BDF auto|group|cdev
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <weft/bus.h>
#include <weft/dev.h>

#include "check.h"

#define EDU_VENDOR 0x1234u
#define EDU_DEVICE 0x11e8u
#define EDU_BAR_SIZE 0x100000u
#define EDU_ADDRESS_BITS 32u /* its DMA registers are written 32 bits at a time */

#define REG_ID 0x00u
#define REG_LIVE 0x04u
#define REG_FACTORIAL 0x08u
#define REG_STATUS 0x20u
#define REG_IRQ_STATUS 0x24u
#define REG_IRQ_RAISE 0x60u
#define REG_IRQ_ACK 0x64u
#define REG_DMA_SRC 0x80u
#define REG_DMA_DST 0x88u
#define REG_DMA_COUNT 0x90u
#define REG_DMA_CMD 0x98u

#define ID_MASK 0xffffu
#define ID 0x00edu
#define STATUS_BUSY 0x01u
#define STATUS_IRQ 0x80u /* interrupt when the factorial is there */
#define IRQ_FACTORIAL 0x001u
#define IRQ_DMA 0x100u
#define DMA_RUN 1u
#define DMA_TO_HOST 2u
#define DMA_IRQ 4u
#define BUFFER 0x40000u /* of PAGE bytes, as the DMA registers see it */

#define WAIT_MS 20000
#define HALF (PAGE / 2)

struct edu {
	struct weft_bus *bus;
	int irq; /* eventfd of its vector */
};

static uint32_t get(struct edu *edu, uint32_t reg)
{
	uint32_t val = 0;
	int rc = edu->bus->ops->read32(edu->bus, reg, &val);

	if (rc)
		check(false, "read of register 0x%x: %s", reg, strerror(-rc));
	return val;
}

static void set(struct edu *edu, uint32_t reg, uint32_t val)
{
	int rc = edu->bus->ops->write32(edu->bus, reg, val);

	if (rc)
		check(false, "write of register 0x%x: %s", reg, strerror(-rc));
}

static uint64_t map(struct edu *edu, void *page, unsigned int prot)
{
	uint64_t iova = 0;
	int rc = edu->bus->ops->dma_map(edu->bus, page, PAGE, prot, &iova);

	check(!rc && iova + PAGE <= 1ull << EDU_ADDRESS_BITS, "a page is mapped at 0x%llx",
	      (unsigned long long)iova);
	return iova;
}

static void unmap(struct edu *edu, uint64_t iova)
{
	int rc = edu->bus->ops->dma_unmap(edu->bus, iova, PAGE);

	check(!rc, "it is unmapped");
}

/* --- interrupts ----------------------------------------------------------------------------------- */

/* The interrupt with these causes comes, as an eventfd. */
static void expect_irq(struct edu *edu, uint32_t causes, const char *what)
{
	struct pollfd pfd = { edu->irq, POLLIN, 0 };
	uint64_t count = 0;
	uint32_t status;

	if (poll(&pfd, 1, WAIT_MS) != 1 ||
	    read(edu->irq, &count, sizeof(count)) != (ssize_t)sizeof(count))
		check(false, "no interrupt in %d ms: %s", WAIT_MS, what);
	status = get(edu, REG_IRQ_STATUS);
	set(edu, REG_IRQ_ACK, status);
	check(status == causes && !get(edu, REG_IRQ_STATUS), "interrupt, causes 0x%x: %s", status,
	      what);
}

static void interrupts(struct edu *edu)
{
	struct pollfd pfd = { edu->irq, POLLIN, 0 };

	check(edu->bus->ops->irq_count(edu->bus) == 1, "it has one vector");
	check(!edu->bus->ops->irq_set(edu->bus, 0, edu->irq), "the vector is an eventfd");
	set(edu, REG_IRQ_RAISE, 0x5);
	expect_irq(edu, 0x5, "asked for");
	set(edu, REG_STATUS, STATUS_IRQ);
	set(edu, REG_FACTORIAL, 7);
	expect_irq(edu, IRQ_FACTORIAL, "a factorial is there");
	check(get(edu, REG_FACTORIAL) == 5040, "7! is 5040");
	set(edu, REG_STATUS, 0);
	check(!edu->bus->ops->irq_set(edu->bus, 0, -1), "the eventfd is taken away");
	set(edu, REG_IRQ_RAISE, 0x1);
	set(edu, REG_IRQ_ACK, get(edu, REG_IRQ_STATUS));
	check(poll(&pfd, 1, 200) == 0, "and stays quiet");
	check(!edu->bus->ops->irq_set(edu->bus, 0, edu->irq), "it is given again");
}

static void registers(struct edu *edu)
{
	unsigned int ms;

	check((get(edu, REG_ID) & ID_MASK) == ID, "identification 0x%08x", get(edu, REG_ID));
	set(edu, REG_LIVE, 0x12345678);
	check(get(edu, REG_LIVE) == ~0x12345678u, "a register answers with the inverse");
	set(edu, REG_FACTORIAL, 10);
	for (ms = 0; get(edu, REG_STATUS) & STATUS_BUSY && ms < WAIT_MS; ms += 10)
		nap(10);
	check(get(edu, REG_FACTORIAL) == 3628800, "10! is 3628800");
}

/* --- DMA ------------------------------------------------------------------------------------------ */

/* Moves bytes between its buffer and an IOVA, and waits for the interrupt. */
static void dma(struct edu *edu, uint64_t iova, uint32_t buffer, uint32_t count, bool to_host,
		const char *what)
{
	set(edu, REG_DMA_SRC, to_host ? BUFFER + buffer : (uint32_t)iova);
	set(edu, REG_DMA_DST, to_host ? (uint32_t)iova : BUFFER + buffer);
	set(edu, REG_DMA_COUNT, count);
	set(edu, REG_DMA_CMD, DMA_RUN | DMA_IRQ | (to_host ? DMA_TO_HOST : 0));
	expect_irq(edu, IRQ_DMA, what);
}

static void transfer(struct edu *edu)
{
	uint8_t *from = page_new(1, 0), *to = page_new(1, 0xee);
	uint64_t from_iova = map(edu, from, WEFT_DMA_READ);
	uint64_t to_iova = map(edu, to, WEFT_DMA_READ | WEFT_DMA_WRITE);
	unsigned int i;

	for (i = 0; i < PAGE; i++)
		from[i] = (uint8_t)(i * 7 + i / 256);
	dma(edu, from_iova, 0, PAGE, false, "4096 bytes to the device");
	dma(edu, to_iova, 0, HALF, true, "2048 bytes back");
	check(!memcmp(from, to, HALF), "they are the same");
	check(page_is(to + HALF, 0xee, HALF), "those behind are what they were");
	dma(edu, to_iova + 3, HALF, 100, true, "100 bytes to an odd address");
	check(!memcmp(from + HALF, to + 3, 100) && !memcmp(from, to, 3) &&
		      !memcmp(from + 103, to + 103, HALF - 103),
	      "they are where they belong");
	memset(from, 0x11, PAGE);
	dma(edu, from_iova, 0, PAGE, true, "a write to what may only be read");
	check(page_is(from, 0x11, PAGE), "it is refused");
	unmap(edu, from_iova);
	unmap(edu, to_iova);
}

/* What the device gets from an IOVA that reaches nothing must not be the bytes of page. */
static void read_refused(struct edu *edu, uint64_t iova, const uint8_t *page, const char *what)
{
	uint8_t *clean = page_new(1, 0x22), *seen = page_new(1, 0x33);
	uint64_t clean_iova = map(edu, clean, WEFT_DMA_READ);
	uint64_t seen_iova = map(edu, seen, WEFT_DMA_READ | WEFT_DMA_WRITE);

	dma(edu, clean_iova, 0, PAGE, false, "its buffer gets known bytes");
	dma(edu, iova, 0, PAGE, false, what);
	dma(edu, seen_iova, 0, PAGE, true, "what it has now");
	check(!page_is(seen, 0x33, PAGE) && memcmp(seen, page, PAGE) != 0, "%s: nothing is read",
	      what);
	unmap(edu, clean_iova);
	unmap(edu, seen_iova);
}

static void confined(struct edu *edu)
{
	uint8_t *page = page_new(1, 0x44), *other = page_new(1, 0x55);
	uint64_t iova = map(edu, page, WEFT_DMA_READ | WEFT_DMA_WRITE);
	uint64_t physical = page_physical(other);

	dma(edu, iova, 0, PAGE, false, "the device knows the page");
	memset(page, 0, PAGE);
	dma(edu, iova, 0, PAGE, true, "and can write it");
	check(page_is(page, 0x44, PAGE), "that arrives");
	unmap(edu, iova);
	memset(page, 0x66, PAGE);
	dma(edu, iova, 0, PAGE, true, "a write to what was unmapped");
	check(page_is(page, 0x66, PAGE), "it is refused");
	read_refused(edu, iova, page, "a read of what was unmapped");
	check(physical + PAGE <= 1ull << EDU_ADDRESS_BITS, "a page lies at 0x%llx of the machine",
	      (unsigned long long)physical);
	dma(edu, physical, 0, PAGE, true, "a write to that address");
	check(page_is(other, 0x55, PAGE) && page_physical(other) == physical, "it is refused");
	read_refused(edu, physical, other, "a read of that address");
}

/* --- all ------------------------------------------------------------------------------------------ */

static int mode_of(const char *name)
{
	static const char *const names[] = { "auto", "cdev", "group" };
	int i;

	for (i = 0; i < 3; i++)
		if (!strcmp(name, names[i]))
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	struct weft_vfio_options opt = { .vendor = EDU_VENDOR,
					 .device = EDU_DEVICE,
					 .dma_bits = EDU_ADDRESS_BITS,
					 .bar_size = EDU_BAR_SIZE };
	struct edu edu = { .irq = eventfd(0, EFD_CLOEXEC) };
	int rc;

	if (argc != 3 || mode_of(argv[2]) < 0) {
		fputs("usage: edu BDF auto|group|cdev\n", stderr);
		return 2;
	}
	opt.mode = (enum weft_vfio_mode)mode_of(argv[2]);
	rc = weft_bus_open_vfio(argv[1], NULL, &edu.bus);
	check(rc == -ENODEV, "it is no adapter: %s", strerror(-rc));
	rc = weft_bus_open_vfio(argv[1], &opt, &edu.bus);
	check(!rc, "open %s", argv[1]);
	registers(&edu);
	interrupts(&edu);
	transfer(&edu);
	confined(&edu);
	rc = edu.bus->ops->reset(edu.bus);
	check(!rc || rc == -EOPNOTSUPP, "reset: %s", rc ? "the device has none" : "done");
	edu.bus->ops->close(edu.bus);
	close(edu.irq);
	rc = weft_bus_open_vfio(argv[1], &opt, &edu.bus);
	check(!rc, "open it once more");
	edu.bus->ops->close(edu.bus);
	return 0;
}
