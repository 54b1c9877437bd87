/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FW_DOWNLOAD: an image into a slot, in order. The slot's first page, with the header that makes an image one, is kept until the
 * last piece is there and all the others are in the flash: whenever power goes or somebody resets, the slot holds the new image
 * or none.
 *
 *	START     a piece is looked at; the first one opens the session
 *	RECORD    the boot record, which named the slot, is to name it no more
 *	CLEAR     the slot's first sector is erased: what it held is void
 *	TAKE      bytes go into the page; a full one, and with the last piece what is there, goes out:
 *	ERASE     before the first page of a sector
 *	PROGRAM   then read back and compared (CHECK), and on with TAKE
 *	LOOK      all is there: is it an image for this adapter?
 *	FIRST     the first page; then it is one
 */
#include <string.h>

#include "flash/service_int.h"
#include "lib/timer.h"

#define IDLE_MS 30000u /* without a piece a session ends */

enum stage {
	START,
	RECORD,
	CLEAR,
	CLEARING,
	TAKE,
	ERASE,
	ERASING,
	PROGRAM,
	PROGRAMMING,
	CHECK,
	LOOK,
	LOOKING,
	FIRST,
};

struct flash_session session;

static struct timer idle;
static struct nor_op op;
static uint32_t taken; /* bytes of the piece */

/* The page that goes out. */
static struct {
	uint32_t addr; /* in the flash */
	const uint8_t *data;
	uint32_t len;
	bool first; /* the slot's first page: the last thing to be written */
} out;

static void session_end(void)
{
	session.id = 0;
	session.first_len = 0;
	timer_cancel(&idle);
}

static void idle_over(struct timer *t)
{
	(void)t;
	session_end();
}

void update_init(void)
{
	memset(&session, 0, sizeof(session));
	timer_setup(&idle, idle_over);
}

void update_forget(void)
{
	session.orphan = true;
}

static uint16_t next(enum stage stage, uint32_t wait_ns)
{
	job.stage = (uint8_t)stage;
	return flash_later(wait_ns);
}

/* The flash did not do as it was told. */
static uint16_t failed(uint32_t addr)
{
	job.dw[0] = addr;
	return EIO;
}

static uint16_t check_piece(const struct weft_arg_fw_download *p)
{
	if (p->slot == SLOT_GOLDEN)
		return EROFS;
	if (!slot_valid(p->slot) || !p->session || p->len > WEFT_FW_CHUNK ||
	    (p->flags & ~WEFT_FWF_LAST) || (!p->len && !(p->flags & WEFT_FWF_LAST)))
		return EINVAL;
	if (session.id && session.id != p->session && !session.orphan)
		return EBUSY;
	if (!p->offset)
		return slot_writable(p->slot) ? 0 : EPERM;
	if (session.id != p->session || session.slot != p->slot || session.pos != p->offset ||
	    p->offset > SLOT_SIZE - p->len)
		return EINVAL;
	return 0;
}

/* An active image that the ROM passed over may be overwritten; what runs in its place takes its rank, so that no other does. */
static bool named(struct boot_record *rec, uint32_t slot)
{
	*rec = boot.log.rec;
	record_spoilt(rec, slot);
	if (rec->active == slot) {
		rec->active = boot.running > SLOT_GOLDEN ? boot.running : SLOT_GOLDEN;
		if (rec->previous == rec->active)
			rec->previous = 0;
	}
	return memcmp(rec, &boot.log.rec, sizeof(*rec));
}

static uint16_t start(void)
{
	const struct weft_arg_fw_download *p = &job.a.piece;
	struct boot_record rec;
	uint16_t err = check_piece(p);

	if (err)
		return err;
	taken = 0;
	timer_set(&idle, clk_now() + clk_ms(IDLE_MS));
	if (p->offset)
		return next(TAKE, 0);
	session.id = p->session;
	session.slot = p->slot;
	session.orphan = false;
	session.pos = 0;
	session.first_len = 0;
	session.flushed = false;
	if (!named(&rec, p->slot))
		return next(CLEAR, 0);
	trial_write(&rec);
	return next(RECORD, 0);
}

static uint16_t erase(uint32_t addr, enum stage then)
{
	out.addr = addr;
	return nor_erase(&flash_spi, &op, addr) ? failed(addr) : next(then, FLASH_ERASE_NS);
}

/* AGAIN: the flash works on; 0: it is through. */
static uint16_t working(uint32_t poll_ns)
{
	int err = nor_poll(&flash_spi, &op);

	return !err ? 0 : err == EBUSY ? flash_later(poll_ns) : failed(out.addr);
}

/* What stands at addr against want, NULL: erased. */
static uint16_t compare(uint32_t addr, const uint8_t *want, uint32_t len)
{
	uint8_t now[FLASH_PAGE];

	if (nor_read(&flash_spi, addr, now, len))
		return failed(addr);
	for (uint32_t i = 0; i < len; i++)
		if (now[i] != (want ? want[i] : 0xff))
			return failed(addr + i);
	return 0;
}

/* The old header must be gone before anything else is written. */
static uint16_t clearing(void)
{
	uint16_t err = working(FLASH_ERASE_NS);

	if (!err)
		err = compare(out.addr, NULL, FLASH_PAGE);
	return err ? err : next(TAKE, 0);
}

static uint16_t page_out(uint32_t start, const uint8_t *data, uint32_t len)
{
	out.addr = slot_offset(session.slot) + start;
	out.data = data;
	out.len = len;
	out.first = !start;
	return next(start && start % FLASH_SECTOR == 0 ? ERASE : PROGRAM, 0);
}

static uint16_t take(void)
{
	const struct weft_arg_fw_download *p = &job.a.piece;
	bool last = p->flags & WEFT_FWF_LAST;

	while (taken < p->len) {
		uint32_t at = session.pos % FLASH_PAGE;

		if (session.pos < FLASH_PAGE)
			session.first[session.first_len++] = p->data[taken++];
		else
			session.page[at] = p->data[taken++];
		session.pos++;
		if (session.pos > FLASH_PAGE && at == FLASH_PAGE - 1)
			return page_out(session.pos - FLASH_PAGE, session.page, FLASH_PAGE);
	}
	if (!last)
		return 0;
	if (session.pos > FLASH_PAGE && session.pos % FLASH_PAGE && !session.flushed) {
		uint32_t len = session.pos % FLASH_PAGE;

		session.flushed = true;
		return page_out(session.pos - len, session.page, len);
	}
	return next(LOOK, 0);
}

static uint16_t program(void)
{
	return nor_program(&flash_spi, &op, out.addr, out.data, out.len) ?
		       failed(out.addr) :
		       next(PROGRAMMING, FLASH_POLL_NS);
}

static uint16_t check_page(void)
{
	uint16_t err = compare(out.addr, out.data, out.len);

	if (err)
		return err;
	if (!out.first)
		return next(TAKE, 0);
	session_end();
	return 0;
}

static uint16_t looking(void)
{
	enum image_error error;

	if (look_step() == AGAIN)
		return AGAIN;
	error = look_error;
	if (!error &&
	    look_info.total_len > session.pos) /* what stands behind it is of another one */
		error = IMAGE_TLV;
	if (!error)
		return next(FIRST, 0);
	job.dw[0] = (uint32_t)error;
	return error == IMAGE_READ ? failed(slot_offset(session.slot)) : EILSEQ;
}

static uint16_t stage_step(void)
{
	uint16_t err;

	switch ((enum stage)job.stage) {
	case START:
		return start();
	case RECORD:
		err = trial_write_step();
		return err ? err : next(CLEAR, 0);
	case CLEAR:
		return erase(slot_offset(session.slot), CLEARING);
	case CLEARING:
		return clearing();
	case TAKE:
		return take();
	case ERASE:
		return erase(out.addr, ERASING);
	case ERASING:
		err = working(FLASH_ERASE_NS);
		return err ? err : next(PROGRAM, 0);
	case PROGRAM:
		return program();
	case PROGRAMMING:
		err = working(FLASH_POLL_NS);
		return err ? err : next(CHECK, 0);
	case CHECK:
		return check_page();
	case LOOK:
		look_start(session.slot);
		return next(LOOKING, 0);
	case LOOKING:
		return looking();
	case FIRST:
		return page_out(0, session.first, session.first_len);
	}
	return EINVAL;
}

uint16_t download_step(void)
{
	bool ours = job.stage != START || (session.id && session.id == job.a.piece.session);
	uint16_t err = stage_step();

	/* A piece of somebody else's does no harm to who writes. */
	if (err && err != AGAIN && ours && err != EBUSY)
		session_end();
	return err;
}
