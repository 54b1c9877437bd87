/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/layout.h"
#include "flash/nor.h"
#include "lib/err.h"

#define CMD_PROGRAM 0x02u
#define CMD_READ 0x03u
#define CMD_STATUS 0x05u
#define CMD_WRITE_ENABLE 0x06u
#define CMD_ERASE 0x20u
#define CMD_ID 0x9fu

#define STATUS_BUSY 0x01u
#define STATUS_WRITE_ENABLED 0x02u

/* A chip that is not there reads as all ones, or zeroes. Bit 7 of the status locks that register; we never set it. */
#define STATUS_NONE 0xffu

static void command(const struct nor_spi *spi, uint8_t cmd)
{
	spi->select(spi->ctx, true);
	spi->byte(spi->ctx, cmd);
}

static void command_addr(const struct nor_spi *spi, uint8_t cmd, uint32_t addr)
{
	command(spi, cmd);
	spi->byte(spi->ctx, (uint8_t)(addr >> 16));
	spi->byte(spi->ctx, (uint8_t)(addr >> 8));
	spi->byte(spi->ctx, (uint8_t)addr);
}

static uint8_t status(const struct nor_spi *spi)
{
	uint8_t st;

	command(spi, CMD_STATUS);
	st = spi->byte(spi->ctx, 0);
	spi->select(spi->ctx, false);
	return st;
}

int nor_probe(const struct nor_spi *spi, uint32_t *size)
{
	uint8_t id[3];
	uint32_t i;

	command(spi, CMD_ID);
	for (i = 0; i < sizeof(id); i++)
		id[i] = spi->byte(spi->ctx, 0);
	spi->select(spi->ctx, false);
	if (!id[0] || id[0] == 0xff || id[2] < 20 || id[2] > 24)
		return EIO;
	if (size)
		*size = 1u << id[2];
	return 0;
}

int nor_read(const struct nor_spi *spi, uint32_t addr, void *to, uint32_t len)
{
	uint8_t *p = to, st = status(spi);
	uint32_t i;

	if (st == STATUS_NONE)
		return EIO;
	if (st & STATUS_BUSY)
		return EBUSY;
	command_addr(spi, CMD_READ, addr);
	if (spi->fill)
		spi->fill(spi->ctx, p, len);
	else
		for (i = 0; i < len; i++)
			p[i] = spi->byte(spi->ctx, 0);
	spi->select(spi->ctx, false);
	return 0;
}

static int write_enable(const struct nor_spi *spi)
{
	uint8_t st = status(spi);

	if (st == STATUS_NONE)
		return EIO;
	if (st & STATUS_BUSY)
		return EBUSY;
	command(spi, CMD_WRITE_ENABLE);
	spi->select(spi->ctx, false);
	st = status(spi);
	return st != STATUS_NONE && (st & STATUS_WRITE_ENABLED) ? 0 : EIO;
}

static void started(const struct nor_spi *spi, struct nor_op *op, uint32_t limit)
{
	op->since = spi->time_ns(spi->ctx);
	op->limit = limit;
}

int nor_program(const struct nor_spi *spi, struct nor_op *op, uint32_t addr, const void *from,
		uint32_t len)
{
	const uint8_t *p = from;
	uint32_t i;
	int err;

	if (!len || len > FLASH_PAGE - addr % FLASH_PAGE)
		return EINVAL;
	err = write_enable(spi);
	if (err)
		return err;
	command_addr(spi, CMD_PROGRAM, addr);
	for (i = 0; i < len; i++)
		spi->byte(spi->ctx, p[i]);
	spi->select(spi->ctx, false);
	started(spi, op, NOR_PROGRAM_LIMIT_NS);
	return 0;
}

int nor_erase(const struct nor_spi *spi, struct nor_op *op, uint32_t addr)
{
	int err;

	if (addr % FLASH_SECTOR)
		return EINVAL;
	err = write_enable(spi);
	if (err)
		return err;
	command_addr(spi, CMD_ERASE, addr);
	spi->select(spi->ctx, false);
	started(spi, op, NOR_ERASE_LIMIT_NS);
	return 0;
}

int nor_poll(const struct nor_spi *spi, const struct nor_op *op)
{
	uint8_t st = status(spi);

	if (st == STATUS_NONE)
		return EIO;
	if (!(st & STATUS_BUSY))
		return 0;
	return spi->time_ns(spi->ctx) - op->since > op->limit ? EIO : EBUSY;
}

int nor_wait(const struct nor_spi *spi, const struct nor_op *op)
{
	int err;

	do
		err = nor_poll(spi, op);
	while (err == EBUSY);
	return err;
}

int nor_settle(const struct nor_spi *spi)
{
	struct nor_op op;

	started(spi, &op, NOR_ERASE_LIMIT_NS);
	return nor_wait(spi, &op);
}
