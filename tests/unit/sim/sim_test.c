// SPDX-License-Identifier: BSD-2-Clause
/* The models around the adapter, on the stand-in design: BAR, host memory, MSI-X, Ethernet, time, firmware loading, waves. */
#include <check.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft_engine.h"
#include "weft_sim.h"

enum {
	SCRATCH = 0x00,
	SRC = 0x04,
	DST = 0x0c,
	LEN = 0x14,
	COPY = 0x18,
	MSIX = 0x1c,
	TIMER = 0x20,
	WORDS = 0x24,
	SUM = 0x28,
	HELD = 0x2c,
	RX_FRAMES = 0x30,
	RX_BAD = 0x34,
	TIME = 0x38,
	XOR = 0x3c
};

#define IOVA 0x100000000ull
#define MEM_SIZE 0x20000

struct host {
	uint8_t mem[MEM_SIZE];
	uint64_t bad; /* DMA that touches this address fails */
	unsigned int irqs, vector;
	unsigned int frames;
	uint8_t sent[300][2048];
	size_t sent_len[300];
	uint64_t sent_ns[300];
};

static struct host host;
static struct weft_sim *sim;

static int dma_check(uint64_t iova, size_t len)
{
	ck_assert_uint_ge(len, 1);
	ck_assert_uint_le((iova & 4095) + len, 4096);
	if (iova < IOVA || iova - IOVA > MEM_SIZE || len > MEM_SIZE - (iova - IOVA))
		return -EFAULT;
	return host.bad && host.bad >= iova && host.bad < iova + len ? -EFAULT : 0;
}

static int dma_read(void *ctx, uint64_t iova, void *buf, size_t len)
{
	int ret = dma_check(iova, len);

	(void)ctx;
	if (!ret)
		memcpy(buf, host.mem + (iova - IOVA), len);
	return ret;
}

static int dma_write(void *ctx, uint64_t iova, const void *buf, size_t len)
{
	int ret = dma_check(iova, len);

	(void)ctx;
	if (!ret)
		memcpy(host.mem + (iova - IOVA), buf, len);
	return ret;
}

static void irq(void *ctx, unsigned int vector)
{
	(void)ctx;
	host.irqs++;
	host.vector = vector;
}

static void eth_tx(void *ctx, const void *frame, size_t len, uint64_t at_ns)
{
	(void)ctx;
	ck_assert_uint_lt(host.frames, 300);
	ck_assert_uint_le(len, sizeof(host.sent[0]));
	memcpy(host.sent[host.frames], frame, len);
	host.sent_len[host.frames] = len;
	host.sent_ns[host.frames++] = at_ns;
}

static const struct weft_sim_ops ops = { dma_read, dma_write, irq, eth_tx, NULL };

static void open_sim(uint32_t seed)
{
	struct weft_sim_params params = { .firmware = "", .backpressure_seed = seed };

	memset(&host, 0, sizeof(host));
	ck_assert_int_eq(weft_sim_create(&params, &ops, &host, &sim), 0);
}

static void close_sim(void)
{
	weft_sim_destroy(sim);
	sim = NULL;
}

static uint32_t rd(uint64_t off)
{
	uint64_t val;

	ck_assert_int_eq(weft_sim_bar_read(sim, off, 4, &val), 0);
	return (uint32_t)val;
}

static void wr(uint64_t off, uint64_t val)
{
	ck_assert_int_eq(weft_sim_bar_write(sim, off, 4, val), 0);
}

static void run_until_idle(void)
{
	unsigned int i;

	for (i = 0; i < 1000 && !weft_sim_idle(sim); i++)
		weft_sim_step(sim, 1000);
	ck_assert(weft_sim_idle(sim));
}

static uint32_t copy(uint64_t src, uint64_t dst, uint32_t len)
{
	ck_assert_int_eq(weft_sim_bar_write(sim, SRC, 8, src), 0);
	ck_assert_int_eq(weft_sim_bar_write(sim, DST, 8, dst), 0);
	wr(LEN, len);
	wr(COPY, 1);
	run_until_idle();
	return rd(COPY);
}

START_TEST(bar_access_of_each_size_and_alignment)
{
	uint64_t val;

	open_sim((uint32_t)_i);
	wr(SCRATCH, 0x11223344);
	ck_assert_uint_eq(rd(SCRATCH), 0x11223344);
	ck_assert_int_eq(weft_sim_bar_write(sim, SCRATCH + 1, 1, 0xaa), 0);
	ck_assert_int_eq(weft_sim_bar_write(sim, SCRATCH + 2, 2, 0xbbcc), 0);
	ck_assert_uint_eq(rd(SCRATCH), 0xbbccaa44);
	ck_assert_int_eq(weft_sim_bar_read(sim, SCRATCH + 1, 2, &val), 0);
	ck_assert_uint_eq(val, 0xccaa);
	ck_assert_int_eq(weft_sim_bar_read(sim, SCRATCH + 3, 1, &val), 0);
	ck_assert_uint_eq(val, 0xbb);
	ck_assert_int_eq(weft_sim_bar_read(sim, 0xffffc, 8, &val), -EINVAL);
	ck_assert_int_eq(weft_sim_bar_read(sim, 0x100000, 4, &val), -EINVAL);
	ck_assert_int_eq(weft_sim_bar_read(sim, ~0ull, 4, &val), -EINVAL);
	ck_assert_int_eq(weft_sim_bar_read(sim, 0, 3, &val), -EINVAL);
	ck_assert_int_eq(weft_sim_bar_write(sim, 0xffffe, 4, 0), -EINVAL);
	close_sim();
}
END_TEST

/* Copies of random place and length: every byte right, none beside them touched. */
START_TEST(dma_moves_every_byte)
{
	static uint8_t model[MEM_SIZE];
	unsigned int i, j;

	open_sim((uint32_t)_i);
	srand(_i + 1);
	for (j = 0; j < MEM_SIZE; j++)
		host.mem[j] = (uint8_t)rand();
	for (i = 0; i < 40; i++) {
		uint32_t align = (uint32_t)rand() % 16;
		uint32_t len = 1 + (uint32_t)rand() % (i % 4 ? 300 : 20000);
		uint32_t src = ((uint32_t)rand() % 0x8000 & ~15u) + align;
		uint32_t dst = 0x10000 + ((uint32_t)rand() % 0x8000 & ~15u) + align;

		memcpy(model, host.mem, MEM_SIZE);
		memcpy(model + dst, model + src, len);
		ck_assert_uint_eq(copy(IOVA + src, IOVA + dst, len), 0);
		ck_assert_msg(!memcmp(model, host.mem, MEM_SIZE), "copy %u of %u bytes", i, len);
	}
	close_sim();
}
END_TEST

START_TEST(dma_errors_reach_the_adapter_and_hang_nothing)
{
	open_sim((uint32_t)_i);
	host.bad = IOVA + 0x1234;
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x10000, 0x8000), 2);
	host.bad = IOVA + 0x11234;
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x10000, 0x8000), 4);
	ck_assert_uint_eq(copy(0, IOVA + 0x10000, 64), 2);
	ck_assert_uint_eq(copy(IOVA, ~0xfffull, 64), 4);
	host.bad = 0;
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x10000, 0x8000), 0);
	close_sim();
}
END_TEST

/* 800 ns there and 200 ns back; seven gigabytes a second are more than the bus itself moves. */
START_TEST(dma_takes_its_time)
{
	uint64_t t0, took;

	open_sim(0);
	copy(IOVA, IOVA + 0x1000, 16);
	t0 = weft_sim_clocks(sim);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x1000, 16), 0);
	took = (weft_sim_clocks(sim) - t0) * WEFT_SIM_CLK_NS;
	ck_assert_uint_ge(took, 1000);
	ck_assert_uint_le(took, 1400);
	close_sim();
}
END_TEST

static double copy_bytes_per_cycle(uint32_t mbytes_per_s)
{
	struct weft_sim_params params = { .firmware = "", .pcie_mbytes_per_s = mbytes_per_s };
	uint64_t t0;

	memset(&host, 0, sizeof(host));
	ck_assert_int_eq(weft_sim_create(&params, &ops, &host, &sim), 0);
	t0 = weft_sim_clocks(sim);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x10000, 0x10000), 0);
	t0 = weft_sim_clocks(sim) - t0;
	close_sim();
	return 65536.0 / (double)t0;
}

/* A link faster than the bus does not slow it down; a slower one does, to its own rate. */
START_TEST(dma_bandwidth)
{
	double free = copy_bytes_per_cycle(1000000);

	ck_assert_double_ge(free, 6);
	ck_assert_double_ge(copy_bytes_per_cycle(7000), free * 0.98);
	ck_assert_double_le(copy_bytes_per_cycle(500), 2.15);
	ck_assert_double_ge(copy_bytes_per_cycle(500), 1.8);
}
END_TEST

START_TEST(msix_is_acknowledged_once)
{
	open_sim((uint32_t)_i);
	wr(MSIX, 77);
	run_until_idle();
	ck_assert_uint_eq(host.irqs, 1);
	ck_assert_uint_eq(host.vector, 77);
	wr(MSIX, 2047);
	run_until_idle();
	ck_assert_uint_eq(host.irqs, 2);
	ck_assert_uint_eq(host.vector, 2047);
	close_sim();
}
END_TEST

START_TEST(idle_until_the_timer_and_time_can_jump_there)
{
	uint64_t now, cycles;

	open_sim(0);
	run_until_idle();
	ck_assert_uint_eq(weft_sim_next_timer(sim), UINT64_MAX);
	ck_assert_uint_eq(weft_sim_step(sim, 1000), 0);
	wr(TIMER, 1000000);
	run_until_idle();
	ck_assert_uint_ne(weft_sim_next_timer(sim), UINT64_MAX);
	now = weft_sim_now(sim);
	cycles = weft_sim_cycles(sim);
	weft_sim_skip_to(sim, now + 400);
	ck_assert_uint_eq(weft_sim_now(sim), now + 400);
	ck_assert_uint_eq(weft_sim_cycles(sim), cycles);
	ck_assert(weft_sim_idle(sim));
	ck_assert_uint_eq(host.irqs, 0);
	weft_sim_skip_to(sim, UINT64_MAX);
	ck_assert_uint_ge(weft_sim_now(sim), weft_sim_next_timer(sim));
	ck_assert_uint_lt(weft_sim_now(sim), weft_sim_next_timer(sim) + WEFT_SIM_CLK_NS);
	ck_assert(!weft_sim_idle(sim));
	run_until_idle();
	ck_assert_uint_eq(host.irqs, 1);
	ck_assert_uint_eq(host.vector, 5);
	ck_assert_uint_eq((uint32_t)weft_sim_now(sim) / 1000, rd(TIME) / 1000);
	close_sim();
}
END_TEST

START_TEST(frames_come_back_whole)
{
	static uint8_t frames[200][2048];
	size_t len[200];
	unsigned int i, j;

	open_sim((uint32_t)_i);
	srand(_i + 1);
	for (i = 0; i < 200; i++) {
		len[i] = 14 + (size_t)rand() % (i % 3 ? 100 : 1500);
		for (j = 0; j < len[i]; j++)
			frames[i][j] = (uint8_t)rand();
		ck_assert_int_eq(i % 7 ? weft_sim_eth_rx(sim, frames[i], len[i]) :
					 weft_sim_eth_rx_bad(sim, frames[i], len[i]),
				 0);
		if (i % 20 == 19)
			run_until_idle();
	}
	ck_assert_uint_eq(rd(RX_FRAMES), 200);
	ck_assert_uint_eq(rd(RX_BAD), 29);
	ck_assert_uint_eq(host.frames, 200);
	for (i = 0; i < 200; i++) {
		ck_assert_uint_eq(host.sent_len[i], len[i]);
		ck_assert(!memcmp(host.sent[i], frames[i], len[i]));
	}
	close_sim();
}
END_TEST

START_TEST(a_full_queue_and_bad_lengths_are_refused)
{
	static uint8_t frame[WEFT_SIM_FRAME_MAX + 1];
	unsigned int i;

	open_sim(0);
	for (i = 0; i < 256; i++)
		ck_assert_int_eq(weft_sim_eth_rx(sim, frame, 60), 0);
	ck_assert_int_eq(weft_sim_eth_rx(sim, frame, 60), -EAGAIN);
	run_until_idle();
	ck_assert_int_eq(weft_sim_eth_rx(sim, frame, 13), -EMSGSIZE);
	ck_assert_int_eq(weft_sim_eth_rx(sim, frame, sizeof(frame)), -EMSGSIZE);
	ck_assert_int_eq(weft_sim_eth_rx(sim, frame, 60), 0);
	run_until_idle();
	ck_assert_uint_eq(host.frames, 257);
	close_sim();
}
END_TEST

/* 100 frames of 1514 bytes: (1514 + 24) * 0.32 ns each at 25 Gb/s, in and out. */
START_TEST(the_wire_runs_at_line_rate)
{
	static uint8_t frame[1514];
	double gap;
	unsigned int i;

	open_sim(0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(weft_sim_eth_rx(sim, frame, sizeof(frame)), 0);
	run_until_idle();
	ck_assert_uint_eq(host.frames, 100);
	gap = (double)(host.sent_ns[99] - host.sent_ns[9]) / 90;
	ck_assert_double_ge(gap, 1538 * 0.32 - 1);
	ck_assert_double_le(gap, 1538 * 0.32 + 1);
	close_sim();
}
END_TEST

START_TEST(a_held_port_keeps_its_frames)
{
	static uint8_t frame[200];

	open_sim(0);
	weft_sim_eth_hold(sim, true);
	ck_assert_int_eq(weft_sim_eth_rx(sim, frame, sizeof(frame)), 0);
	weft_sim_step(sim, 5000);
	ck_assert_uint_eq(host.frames, 0);
	weft_sim_eth_hold(sim, false);
	run_until_idle();
	ck_assert_uint_eq(host.frames, 1);
	close_sim();
}
END_TEST

static uint64_t fingerprint(uint32_t seed)
{
	static uint8_t frame[700];
	uint64_t clocks;

	open_sim(seed);
	weft_sim_eth_rx(sim, frame, sizeof(frame));
	copy(IOVA + 3, IOVA + 0x10003, 5000);
	clocks = weft_sim_clocks(sim);
	close_sim();
	return clocks;
}

START_TEST(same_inputs_same_cycles)
{
	ck_assert_uint_eq(fingerprint(0), fingerprint(0));
	ck_assert_uint_eq(fingerprint(9), fingerprint(9));
	ck_assert_uint_ne(fingerprint(8), fingerprint(9));
}
END_TEST

START_TEST(reset_forgets_everything)
{
	static uint8_t frame[60];

	open_sim(0);
	wr(SCRATCH, 5);
	weft_sim_bar_write(sim, SRC, 8, IOVA);
	weft_sim_bar_write(sim, DST, 8, IOVA + 0x10000);
	wr(LEN, 0x8000);
	wr(COPY, 1);
	weft_sim_step(sim, 500);
	weft_sim_eth_rx(sim, frame, sizeof(frame));
	weft_sim_step(sim, 5);
	weft_sim_reset(sim);
	ck_assert_uint_eq(rd(SCRATCH), 0);
	run_until_idle();
	ck_assert_uint_eq(host.frames, 0);
	ck_assert_uint_eq(copy(IOVA, IOVA + 0x10000, 64), 0);
	close_sim();
}
END_TEST

/* An ELF file of two segments: 10 bytes at 0x100, 8 bytes with 100 bytes of memory in data memory. */
struct elf_file {
	Elf32_Ehdr h;
	Elf32_Phdr ph[2];
	uint8_t bytes[20];
};

static void make_elf(struct elf_file *f)
{
	memset(f, 0, sizeof(*f));
	memcpy(f->h.e_ident, ELFMAG, SELFMAG);
	f->h.e_ident[EI_CLASS] = ELFCLASS32;
	f->h.e_ident[EI_DATA] = ELFDATA2LSB;
	f->h.e_type = ET_EXEC;
	f->h.e_machine = EM_RISCV;
	f->h.e_phoff = offsetof(struct elf_file, ph);
	f->h.e_phnum = 2;
	f->h.e_phentsize = sizeof(Elf32_Phdr);
	f->ph[0] = (Elf32_Phdr){ .p_type = PT_LOAD,
				 .p_offset = offsetof(struct elf_file, bytes),
				 .p_vaddr = 0x100,
				 .p_paddr = 0x100,
				 .p_filesz = 10,
				 .p_memsz = 10 };
	f->ph[1] = (Elf32_Phdr){ .p_type = PT_LOAD,
				 .p_offset = offsetof(struct elf_file, bytes) + 12,
				 .p_vaddr = 0x10000000,
				 .p_paddr = 0x10000000,
				 .p_filesz = 8,
				 .p_memsz = 100 };
	memcpy(f->bytes, "\1\0\0\0\2\0\0\0\3\4\0\0\5\0\0\0\6\0\0\0", 20);
}

static int create_with(const void *bytes, size_t len)
{
	char path[] = "/tmp/weft-sim-test-XXXXXX";
	struct weft_sim_params params = { .firmware = path };
	int fd = mkstemp(path), ret;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	ret = weft_sim_create(&params, &ops, &host, &sim);
	unlink(path);
	return ret;
}

START_TEST(firmware_is_loaded_and_again_after_reset)
{
	struct elf_file f;
	int i;

	make_elf(&f);
	ck_assert_int_eq(create_with(&f, sizeof(f)), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_uint_eq(rd(WORDS), 5);
		ck_assert_uint_eq(rd(SUM), 1 + 2 + 0x403 + 5 + 6);
		ck_assert_uint_eq(rd(XOR), 0x100 ^ 0x104 ^ 0x108 ^ 0x10000000 ^ 0x10000004);
		ck_assert_uint_eq(rd(HELD), 0);
		weft_sim_reset(sim);
	}
	close_sim();
	open_sim(0);
	ck_assert_uint_eq(rd(WORDS), 0);
	ck_assert_uint_eq(rd(HELD), 1);
	close_sim();
}
END_TEST

START_TEST(bad_firmware_is_refused)
{
	struct weft_sim_params params = { .firmware = "/nonexistent/weft.elf" };
	struct elf_file f;
	size_t len = sizeof(f);

	ck_assert_int_eq(weft_sim_create(&params, &ops, &host, &sim), -ENOENT);
	make_elf(&f);
	switch (_i) {
	case 0:
		len = 20;
		break;
	case 1:
		f.h.e_ident[0] = 'x';
		break;
	case 2:
		f.h.e_machine = EM_ARM;
		break;
	case 3:
		f.h.e_phoff = ~0u;
		break;
	case 4:
		f.h.e_phnum = 0xffff;
		break;
	case 5:
		f.ph[0].p_offset = ~0u;
		break;
	case 6:
		f.ph[0].p_filesz = f.ph[0].p_memsz = ~0u;
		break;
	case 7:
		f.ph[0].p_memsz = 4;
		break;
	case 8:
		f.ph[0].p_paddr = 0x1fff8;
		break;
	case 9:
		f.ph[1].p_memsz = ENG_DMEM_SIZE + 1;
		break;
	case 10:
		f.ph[0].p_vaddr = 0x80000000;
		break;
	case 11:
		f.ph[0].p_paddr = 0x102;
		break;
	case 12:
		f.h.e_phnum = 0;
		break;
	case 13:
		f.h.e_phentsize = 31;
		break;
	case 14:
		len = 0;
		break;
	}
	ck_assert_int_eq(create_with(&f, len), -ENOEXEC);
	ck_assert_ptr_null(sim);
}
END_TEST

START_TEST(log_text_is_read_once)
{
	char buf[64];

	open_sim(0);
	ck_assert_uint_eq(weft_sim_log(sim, buf, 6), 5);
	ck_assert_str_eq(buf, "hello");
	ck_assert_uint_eq(weft_sim_log(sim, buf, sizeof(buf)), 6);
	ck_assert_str_eq(buf, ", log\n");
	ck_assert_uint_eq(weft_sim_log(sim, buf, sizeof(buf)), 0);
	close_sim();
}
END_TEST

START_TEST(waves_of_a_window)
{
	char path[] = "/tmp/weft-sim-waves-XXXXXX";
	struct stat st;
	int fd = mkstemp(path);
	uint8_t magic;

	open_sim(0);
	ck_assert_int_eq(weft_sim_waves(sim, path, 100, 300), 0);
	ck_assert_int_eq(weft_sim_waves(sim, path, 0, 0), -EBUSY);
	copy(IOVA, IOVA + 0x1000, 4096);
	ck_assert_int_eq(weft_sim_waves(sim, "/nonexistent/x", 0, 0), -EIO);
	close(fd);
	fd = open(path, O_RDONLY); /* the writer makes a file of its own */
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_gt(st.st_size, 200);
	ck_assert_int_eq(read(fd, &magic, 1), 1);
	ck_assert_uint_eq(magic, 0); /* FST header block */
	close(fd);
	unlink(path);
	close_sim();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim");
	TCase *t = tcase_create("models");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, bar_access_of_each_size_and_alignment, 0, 4);
	tcase_add_loop_test(t, dma_moves_every_byte, 0, 4);
	tcase_add_loop_test(t, dma_errors_reach_the_adapter_and_hang_nothing, 0, 3);
	tcase_add_test(t, dma_takes_its_time);
	tcase_add_test(t, dma_bandwidth);
	tcase_add_loop_test(t, msix_is_acknowledged_once, 0, 3);
	tcase_add_test(t, idle_until_the_timer_and_time_can_jump_there);
	tcase_add_loop_test(t, frames_come_back_whole, 0, 4);
	tcase_add_test(t, a_full_queue_and_bad_lengths_are_refused);
	tcase_add_test(t, the_wire_runs_at_line_rate);
	tcase_add_test(t, a_held_port_keeps_its_frames);
	tcase_add_test(t, same_inputs_same_cycles);
	tcase_add_test(t, reset_forgets_everything);
	tcase_add_test(t, firmware_is_loaded_and_again_after_reset);
	tcase_add_loop_test(t, bad_firmware_is_refused, 0, 15);
	tcase_add_test(t, log_text_is_read_once);
	tcase_add_test(t, waves_of_a_window);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? 1 : 0;
}
