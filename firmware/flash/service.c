/* SPDX-License-Identifier: BSD-2-Clause */
#include "flash/service.h"

#include <string.h>

#include "flash/service_int.h"
#include "host/qp.h"
#include "lib/log.h"

#define SETTLE_NS 100000u
#define PATIENCE (NOR_ERASE_LIMIT_NS / SETTLE_NS)

bool flash_at_work;
struct flash_job job;

static struct {
	bool present;      /* a flash answers */
	bool known;        /* its boot record was read */
	bool working;      /* on a job */
	uint32_t patience; /* looks at a flash that is busy with what another life began */
	uint16_t fifo[QP_ADMIN_SLOTS];
	uint16_t head, count;
} svc;

static void spi_select(void *ctx, bool on)
{
	(void)ctx;
	hal_spi_select(on);
}

static uint8_t spi_byte(void *ctx, uint8_t out)
{
	(void)ctx;
	return hal_spi_byte(out);
}

static void spi_fill(void *ctx, uint8_t *to, uint32_t n)
{
	(void)ctx;
	hal_spi_fill(to, n);
}

static uint32_t spi_time(void *ctx)
{
	(void)ctx;
	return (uint32_t)hal_now_ns();
}

const struct nor_spi flash_spi = {
	.select = spi_select, .byte = spi_byte, .fill = spi_fill, .time_ns = spi_time
};

/*
 * A flash that answers, with its boot record. A reset may have left an erase under way: EBUSY, the record is read later. Takes
 * 2 ms when it reads the record, which is why it is done at the start, before there is any I/O.
 */
static int learn(void)
{
	uint8_t b;
	int err = nor_read(&flash_spi, 0, &b, 1);

	if (!err)
		err = nor_probe(&flash_spi, NULL);
	svc.present = err != EIO;
	if (!err)
		err = record_read(&flash_spi, &boot.log);
	svc.known = !err;
	return err;
}

void flash_init(void)
{
	memset(&svc, 0, sizeof(svc));
	memset(&boot, 0, sizeof(boot));
	job = (struct flash_job){ .slot = ENG_NO_SLOT };
	flash_at_work = false;
	update_init();
	trial_init();
	(void)learn();
}

uint16_t flash_submit(uint16_t slot)
{
	if (!svc.present)
		return ENODEV;
	if (svc.count == QP_ADMIN_SLOTS)
		return EAGAIN; /* not while the admin pair has no more slots than that */
	svc.fifo[(svc.head + svc.count++) % QP_ADMIN_SLOTS] = slot;
	flash_at_work = true;
	return 0xffff;
}

void flash_forget_admin(void)
{
	svc.count = 0;
	job.slot = ENG_NO_SLOT;
	update_forget();
}

static uint16_t bad_slot(void)
{
	return slot_valid(job.a.fw.slot) ? 0 : EINVAL;
}

static uint16_t step(void)
{
	switch (job.opcode) {
	case WEFT_OP_FW_LOG:
		return log_step();
	case WEFT_OP_FW_DOWNLOAD:
		return download_step();
	case WEFT_OP_FW_COMMIT:
		return bad_slot() ? EINVAL : commit_step();
	case WEFT_OP_FW_CONFIRM:
		return confirm_step();
	case WEFT_OP_FW_ROLLBACK:
		return rollback_step();
	case WEFT_OP_FW_DIGEST:
		return bad_slot() ? EINVAL : digest_step();
	case WEFT_OP_FW_READ:
		return bad_slot() ? EINVAL : read_step();
	default:
		return EOPNOTSUPP;
	}
}

/* The host cannot change a slot that is in use, but it is gone when the admin pair goes down: the job has a copy. */
static void begin(void)
{
	uint16_t slot = svc.fifo[svc.head];
	const struct weft_admin_entry *e = (const void *)hal_slot_entry(slot);

	svc.head = (svc.head + 1) % QP_ADMIN_SLOTS;
	svc.count--;
	memset(&job, 0, sizeof(job));
	job.slot = slot;
	job.opcode = e->opcode;
	memcpy(&job.a, e->args, sizeof(job.a));
	svc.working = true;
}

static void end(uint16_t status)
{
	struct hal_cpl cpl = { .type = WEFT_CQT_ADMIN,
			       .cid = job.slot,
			       .status = status,
			       .slot = job.slot,
			       .dw = { job.dw[0], job.dw[1], job.dw[2] } };

	svc.working = false;
	if (status == EIO)
		log_limited("flash: failed at %06x", job.dw[0]);
	if (job.slot != ENG_NO_SLOT)
		hal_complete(&cpl);
	job.slot = ENG_NO_SLOT;
}

/* What a reset left under way in the flash comes to its end first. */
static bool settled(void)
{
	int err;

	if (svc.known)
		return true;
	err = learn();
	if (err == EBUSY && svc.patience) {
		svc.patience--;
		job.wait_ns = SETTLE_NS;
		return false;
	}
	if (err)
		end(EIO);
	else
		svc.patience = 0;
	return !err;
}

uint32_t flash_turn(void)
{
	uint16_t status;

	if (!svc.working) {
		if (!svc.count) {
			flash_at_work = false;
			return 0;
		}
		begin();
		svc.patience = PATIENCE;
	}
	job.wait_ns = 0;
	if (!settled())
		return job.wait_ns;
	status = step();
	if (status == AGAIN)
		return job.wait_ns;
	end(status);
	flash_at_work = svc.count != 0;
	return 0;
}
