/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport's controller role over the fake adapter: commands, data both ways, responses. */
#include "ctl_fixture.h"

static uint64_t fetched(void)
{
	return f->counter[WEFT_CNT_SQE_FETCHED];
}

START_TEST(commands_come_with_a_copy_of_the_sqe)
{
	struct nvmf_qpair_info info;
	size_t len;
	int slot = command(1, 0xbeef, true, 4096);

	ck_assert_uint_eq(seen.commands, 1);
	ck_assert_mem_eq(nvmf_capsule_sqe(last()), fake_cmd(f, 2, slot)->sqe, 64);
	memset(fake_mem(f, f->ctl[2]->rx_cmd, 64), 0xee, 64); /* the copy stands by itself */
	ck_assert_mem_eq(nvmf_capsule_sqe(last()), fake_cmd(f, 2, slot)->sqe, 64);
	ck_assert_uint_eq(nvmf_validate_command_capsule(last()), 0);
	ck_assert_uint_eq(nvmf_capsule_data_len(last()), 4096);
	ck_assert_mem_eq(nvmf_capsule_icd(last(), &len), host, 4096);
	ck_assert_uint_eq(len, 4096);
	ck_assert_int_eq(respond(0xbeef, 0), 0);
	ck_assert_ptr_null(nvmf_capsule_icd(last(), &len));
	ck_assert_uint_eq(len, 0);
	turn(2);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->cqe[0], 0xaa);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->cqe[8], 0x34);
	nvmf_qpair_info(qp, &info);
	ck_assert_uint_eq(info.remote_ip, 0x0a000063);
	ck_assert_uint_eq(info.remote_port, 40000);
	ck_assert_uint_eq(info.local_port, PORT);
	ck_assert_uint_eq(info.maxh2cdata, 131072);
	ck_assert_uint_eq(info.max_icd, 8192);
	ck_assert_uint_eq(info.entries, 16);
	ck_assert(info.header_digests && !info.data_digests);
	ck_assert_uint_eq(seen.info.remote_ip, 0x0a000063);
}
END_TEST

START_TEST(validates)
{
	static const struct {
		uint8_t psdt, type, flags;
		uint32_t sgl_len, addr, icd;
		uint8_t status;
	} t[] = {
		{ 0x40, 0x5a, 0, 4096, 0, 0, 0 },
		{ 0x40, 0x5a, 0, 0, 0, 0, 0 },
		{ 0x40, 0x00, 0, 0, 0, 0, 0 },
		{ 0x40, 0x01, 0, 512, 0, 512, 0 },
		{ 0x00, 0x5a, 0, 512, 0, 0, 0x02 },
		{ 0x80, 0x5a, 0, 512, 0, 0, 0x02 },
		{ 0xc0, 0x5a, 0, 512, 0, 0, 0x02 },
		{ 0x40, 0x5a, 0, 512, 0, 512, 0x02 },
		{ 0x40, 0x00, 0, 0, 0, 512, 0x02 },
		{ 0x40, 0x01, 0, 512, 0, 508, 0x0f },
		{ 0x40, 0x01, 0, 0xffffffff, 0, 8192, 0x0f },
		{ 0x40, 0x01, 0, 512, 0, 0, 0x0f },
		{ 0x40, 0x00, 0, 1, 0, 0, 0x11 },
		{ 0x40, 0x5b, 0, 512, 0, 0, 0x11 },
		{ 0x40, 0x11, 0, 0, 0, 0, 0x11 },
		{ 0x40, 0x01, 0, 512, 4, 512, 0x16 },
		{ 0x40, 0x5a, 0, 512, 1, 0, 0x16 },
		{ 0x40, 0x01, WEFT_CQF_DDGST_ERR, 512, 0, 512, 0x22 },
		{ 0x40, 0x01, WEFT_CQF_DMA_ERR, 512, 0, 512, 0x06 },
	};
	uint8_t sqe[64];
	unsigned int i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fake_host_sqe(sqe, 1, (uint16_t)i, false, t[i].sgl_len);
		sqe[1] = t[i].psdt;
		sqe[39] = t[i].type;
		memcpy(sqe + 24, &t[i].addr, 4);
		ck_assert_int_ge(fake_host_send(f, 2, sqe, true, host, t[i].icd, t[i].flags), 0);
		turn(1);
		ck_assert_msg(nvmf_validate_command_capsule(last()) == t[i].status, "row %u: %02x",
			      i, nvmf_validate_command_capsule(last()));
		ck_assert_uint_eq(nvmf_capsule_data_len(last()),
				  t[i].type == 1 || t[i].type == 0x5a ? t[i].sgl_len : 0);
		ck_assert_int_eq(respond((uint16_t)i, t[i].status), 0);
		turn(2);
	}
}
END_TEST

START_TEST(in_capsule_data)
{
	struct memdesc m = memdesc_vaddr(mem);
	struct iovec v[3] = { { mem + 10000, 100 }, { mem + 20000, 0 }, { mem + 30001, 8000 } };
	uint64_t before = fetched();

	command(1, 5, true, 4096);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 1024, on_data, &seen), 0);
	ck_assert_uint_eq(seen.data, 1); /* from inside */
	ck_assert_uint_eq(seen.xfered, 1024);
	ck_assert_mem_eq(mem, host, 1024);
	m = memdesc_vlist(v, 3);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 1024, &m, 3072, on_data, &seen), 0);
	ck_assert_mem_eq(mem + 10000, host + 1024, 100);
	ck_assert_mem_eq(mem + 30001, host + 1124, 2972);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4, on_data, &seen), -EINVAL);
	command(1, 6, true, 4096);
	v[2].iov_len = 100;
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 512, on_data, &seen),
			 -EINVAL); /* list too short */
	m = memdesc_iova(4096);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 512, on_data, &seen), -EINVAL);
	m = memdesc_vaddr(mem);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4100, on_data, &seen), -EFBIG);
	ck_assert_uint_eq(seen.data, 2);
	fake_host_send(f, 2, fake_cmd(f, 2, 0)->sqe, true, host, 64, WEFT_CQF_DDGST_ERR);
	turn(1);
	/* the SGL says more than came: never read beyond it */
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 128, on_data, &seen), -EFBIG);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 64, on_data, &seen), 0);
	ck_assert_int_eq(seen.data_error, -EBADMSG);
	ck_assert_uint_eq(seen.xfered, 0);
	ck_assert_uint_eq(fetched(), before);
}
END_TEST

START_TEST(writes_by_r2t)
{
	struct memdesc m = memdesc_vaddr(mem);
	struct memdesc_iova el[2];
	struct iovec v[2] = { { mem + (4u << 20), 5000 }, { mem + (5u << 20), 60536 } };
	uint64_t iova;
	int slot = command(1, 5, false, 1 << 20);

	ck_assert_int_eq(weft_mem_iova(dev, mem, MEM_LEN, &iova), 0);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 65536, on_data, &seen), 0);
	m = memdesc_vlist(v, 2); /* copied; the list stays */
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 65536, &m, 65536, on_data, &seen), 0);
	m = memdesc_iova(iova + 131072);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 131072, &m, 65536, on_data, &seen),
			 0);
	el[0] = (struct memdesc_iova){ iova + 196608, 1000, 0 };
	el[1] = (struct memdesc_iova){ iova + (6u << 20), 1 << 20, 0 };
	m = memdesc_iova_list(el, 2);
	ck_assert_int_eq(nvmf_receive_controller_data(last(), 196608, &m, 851968, on_data, &seen),
			 0);
	ck_assert_uint_eq(seen.data, 0); /* never from inside */
	turn(10);
	ck_assert_uint_eq(seen.data, 4);
	ck_assert_int_eq(seen.data_error, 0);
	ck_assert_uint_eq(seen.xfered, 851968);
	ck_assert_mem_eq(mem, host, 65536);
	ck_assert_mem_eq(mem + (4u << 20), host + 65536, 5000);
	ck_assert_mem_eq(mem + (5u << 20), host + 70536, 60536);
	ck_assert_mem_eq(mem + 131072, host + 131072, 65536);
	ck_assert_mem_eq(mem + 196608, host + 196608, 1000);
	ck_assert_mem_eq(mem + (6u << 20), host + 197608, 850968);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->gets, 4);
	ck_assert_int_eq(respond(5, 0), 0);
	turn(2);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->cqe[9], 0x12); /* SQHD as given */
}
END_TEST

START_TEST(receive_refuses)
{
	struct memdesc m = memdesc_vaddr(mem), bad = { .md_type = (enum memdesc_type)9 };
	uint8_t stack[64];
	struct nvmf_capsule *nc, *rsp;

	command(1, 5, false, 8190);
	nc = last();
#define GET(off, desc, len) nvmf_receive_controller_data(nc, off, desc, len, on_data, &seen)
	ck_assert_int_eq(GET(0, &m, 0), -EINVAL);
	ck_assert_int_eq(GET(2, &m, 4), -EINVAL);
	ck_assert_int_eq(GET(0, &m, 6), -EINVAL);
	ck_assert_int_eq(GET(8192, &m, 4), -EINVAL);
	ck_assert_int_eq(GET(0xfffffffc, &m, 4), -EINVAL);
	ck_assert_int_eq(GET(0, &m, (16u << 20) + 4), -EINVAL);
	ck_assert_int_eq(GET(0, &bad, 4), -EINVAL);
	ck_assert_int_eq(nvmf_receive_controller_data(nc, 0, &m, 4, NULL, NULL), -EINVAL);
	ck_assert_int_eq(GET(0, &m, 8192), -EFBIG);
	ck_assert_int_eq(GET(8188, &m, 4), -EFBIG);
	bad = memdesc_vaddr(stack);
	ck_assert_int_eq(GET(0, &bad, 64), -EFAULT);
	ck_assert_int_eq(GET(0, &m, 8190), 0);    /* an odd end is the end */
	ck_assert_int_eq(GET(4, &m, 4), -EINVAL); /* before the end of the part before */
	rsp = response(5, 0);
	ck_assert_int_eq(nvmf_receive_controller_data(rsp, 0, &m, 4, on_data, &seen), -EINVAL);
	nvmf_free_capsule(rsp);
	turn(2);
	ck_assert_uint_eq(seen.data, 1);
	ck_assert_uint_eq(seen.xfered, 8190);
	ck_assert_mem_eq(mem, host, 8190);
	ck_assert_int_eq(respond(5, 0), 0);
	ck_assert_int_eq(GET(0, &m, 4), -EINVAL); /* answered */
#undef GET
}
END_TEST

START_TEST(receive_errors)
{
	static const struct {
		uint16_t err;
		uint8_t flags;
		int want;
	} t[] = { { 0, WEFT_CQF_DDGST_ERR, -EBADMSG },
		  { 0, WEFT_CQF_DMA_ERR, -EFAULT },
		  { EINVAL, 0, -EINVAL } };
	struct memdesc m = memdesc_vaddr(mem);
	unsigned int i;
	int slot;

	for (i = 0; i < 3; i++) {
		slot = command(1, 5, false, 4096);
		f->reply_errno = t[i].err;
		f->reply_flags = t[i].flags;
		ck_assert_int_eq(nvmf_receive_controller_data(last(), 0, &m, 4096, on_data, &seen),
				 0);
		turn(2);
		ck_assert_uint_eq(seen.data, i + 1);
		ck_assert_int_eq(seen.data_error, t[i].want);
		ck_assert_uint_eq(seen.xfered, 0);
		ck_assert_int_eq(respond(5, 0x22), 0);
		turn(2);
		ck_assert_uint_eq(got_status(slot), 0x22);
	}
	ck_assert_uint_eq(seen.errors, 0);
}
END_TEST

START_TEST(read_in_one_entry_with_its_response)
{
	struct nvmf_buf b;
	uint64_t before;
	int slot = command(2, 9, false, 4096);

	memcpy(mem + 100, host, 4096);
	before = fetched();
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, fill_buf(&b, 100, 4096, NULL), 4096),
			  NVME_SC_SUCCESS);
	turn(3);
	ck_assert_uint_eq(fetched(), before); /* waits for the response */
	ck_assert_uint_eq(seen.done, 0);
	ck_assert_int_eq(respond(9, 0), 0);
	turn(2);
	ck_assert_uint_eq(fetched(), before + 1);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_mem_eq(fake_cmd(f, 2, slot)->data, host, 4096);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
	ck_assert(!fake_cmd(f, 2, slot)->success);
	ck_assert_int_eq(nvmf_transmit_capsule(last()), -EOPNOTSUPP);
}
END_TEST

START_TEST(read_with_success_flag)
{
	struct nvmf_buf b[2];
	uint64_t before;
	int slot;

	nvmf_qpair_set_sq_flow_control(qp, false);
	slot = command(2, 9, false, 8192);
	memcpy(mem, host, 8192);
	before = fetched();
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, fill_buf(&b[0], 0, 4096, NULL),
						    4096),
			  NVMF_MORE);
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 4096, fill_buf(&b[1], 4096, 4096, NULL),
						    4096),
			  NVMF_SUCCESS_SENT);
	ck_assert_ptr_null(response(9, 0));
	ck_assert_int_eq(errno, ENOENT);
	turn(4);
	ck_assert_uint_eq(fetched(), before + 2);
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_mem_eq(fake_cmd(f, 2, slot)->data, host, 8192);
	ck_assert(fake_cmd(f, 2, slot)->success && !fake_cmd(f, 2, slot)->responses);
	slot = command(2, 9, false, 64); /* an error response has no SQHD */
	ck_assert_int_eq(respond(9, 0x80), 0);
	turn(2);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->cqe[8] + fake_cmd(f, 2, slot)->cqe[9], 0);
	nvmf_qpair_set_sq_flow_control(qp, true);
	slot = command(2, 9, false, 64);
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, fill_buf(&b[0], 0, 64, NULL), 64),
			  NVME_SC_SUCCESS);
	ck_assert_int_eq(respond(9, 0), 0);
	turn(2);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
}
END_TEST

/* 3 MiB and a bit in pieces of odd sizes, in three calls: PDUs of at most 1 MiB, 1024 elements. */
START_TEST(long_reads_and_many_pieces)
{
	const uint32_t total = (3u << 20) + 5000, first = 1 << 20, second = (1 << 20) + 4096;
	uint32_t at[4] = { 0, first, first + second, total }, off, i, n = 0;
	struct nvmf_buf *b = calloc(8192, sizeof(*b)), *chain;
	struct fake_cmd *cmd;
	int slot = command(2, 9, false, total);

	cmd = fake_cmd(f, 2, slot);
	memcpy(mem, host, MEM_LEN);
	for (i = 0; i < 3; i++) {
		uint32_t from = n;

		for (off = at[i]; off < at[i + 1]; n++) {
			/* gaps in the middle call, so that pieces cannot be joined */
			uint32_t want = i == 1 ? 701 + n % 3 : 100001, left = at[i + 1] - off;
			uint32_t len = n % 50 == 7 ? 0 : want < left ? want : left;

			if (i == 1)
				memmove(mem + (4u << 20) + (off - at[1]) + (n - from), mem + off,
					len);
			fill_buf(&b[n], i == 1 ? (4u << 20) + (off - at[1]) + (n - from) : off, len,
				 NULL);
			if (n > from)
				b[n - 1].next = &b[n];
			off += len;
		}
		chain = &b[from];
		ck_assert_uint_eq(nvmf_send_controller_data(last(), at[i], chain,
							    at[i + 1] - at[i]),
				  i == 2 ? NVME_SC_SUCCESS : NVMF_MORE);
	}
	ck_assert_int_eq(respond(9, 0), 0);
	turn(20);
	ck_assert_uint_eq(cmd->responses, 1);
	ck_assert_uint_eq(cmd->sent, total);
	ck_assert_mem_eq(cmd->data, host, total);
	ck_assert_uint_eq(f->qp[2].sgl_max, WEFT_SGL_MAX);
	ck_assert_uint_ge(cmd->sends, 5);
	ck_assert_uint_eq(seen.done, n);
	free(b);
}
END_TEST

START_TEST(send_refuses)
{
	uint8_t stack[64];
	struct nvmf_buf b, two, sent;
	struct nvmf_capsule *nc;

	command(2, 9, false, 8192);
	nc = last();
#define SEND(off, at, blen, len) \
	nvmf_send_controller_data(nc, off, fill_buf(&b, at, blen, NULL), len)
	ck_assert_uint_eq(SEND(0, 0, 0, 0), 0x02);
	ck_assert_uint_eq(SEND(4, 0, 4, 4), 0x02);
	ck_assert_uint_eq(SEND(0, 0, 6, 6), 0x02);
	ck_assert_uint_eq(SEND(0, 0, 512, 508), 0x02);
	ck_assert_uint_eq(SEND(0, 0, 512, 516), 0x02);
	ck_assert_uint_eq(SEND(0, 0, 8196, 8196), 0x02);
	ck_assert_uint_eq(SEND(0x80000000, 0, 4, 4), 0x02);
	ck_assert_uint_eq(seen.done, 7); /* consumed whatever is returned */
	fill_buf(&two, 0, 64, NULL);
	two.data = stack;
	ck_assert_uint_eq(nvmf_send_controller_data(nc, 0, fill_buf(&b, 0, 64, &two), 128), 0x04);
	ck_assert_uint_eq(seen.done, 9);
	ck_assert_uint_eq(nvmf_send_controller_data(nc, 0, fill_buf(&sent, 0, 4096, NULL), 4096),
			  NVMF_MORE);
	ck_assert_uint_eq(SEND(0, 0, 4096, 4096), 0x02); /* not where the part before ended */
	ck_assert_int_eq(respond(9, 0x80), 0);
	ck_assert_uint_eq(SEND(4096, 0, 4096, 4096), 0x02); /* answered */
	turn(3);
	ck_assert_uint_eq(seen.done, 12);
	command(1, 9, true, 4096);
	nc = last();
	ck_assert_uint_eq(SEND(0, 0, 4096, 4096), 0x02); /* nowhere to send to */
#undef SEND
}
END_TEST

/* The memory went away between the call and the response: the host hears of it. */
START_TEST(memory_lost_before_the_merge)
{
	uint8_t *own = aligned_alloc(4096, 8192);
	struct nvmf_buf b;
	int slot = command(2, 9, false, 4096);

	ck_assert_int_eq(weft_mem_register(dev, own, 8192), 0);
	fill_buf(&b, 0, 4096, NULL);
	b.data = own;
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, &b, 4096), NVME_SC_SUCCESS);
	ck_assert_int_eq(weft_mem_unregister(dev, own), 0);
	ck_assert_int_eq(respond(9, 0), 0);
	ck_assert_uint_eq(seen.done, 1);
	turn(2);
	ck_assert_uint_eq(got_status(slot), 0x04);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->sends, 0);
	ck_assert_uint_eq(seen.errors, 0);
	free(own);
}
END_TEST

/* The same with the SUCCESS flag: the caller sends no response, so we do. */
START_TEST(memory_lost_before_success)
{
	uint8_t *own = aligned_alloc(4096, 8192);
	struct nvmf_buf b, c;
	int slot;

	nvmf_qpair_set_sq_flow_control(qp, false);
	slot = command(2, 9, false, 8192);
	ck_assert_int_eq(weft_mem_register(dev, own, 8192), 0);
	f->hold = true;
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 0, fill_buf(&c, 0, 4096, NULL), 4096),
			  NVMF_MORE);
	fill_buf(&b, 0, 4096, NULL);
	b.data = own;
	ck_assert_uint_eq(nvmf_send_controller_data(last(), 4096, &b, 4096), NVMF_SUCCESS_SENT);
	ck_assert_int_eq(weft_mem_unregister(dev, own), 0);
	turn(1);
	f->hold = false;
	fake_release(f, 2, (uint16_t)slot, 0);
	turn(3);
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_uint_eq(got_status(slot), 0x04);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
	free(own);
}
END_TEST

START_TEST(responses_find_their_commands)
{
	uint64_t a, b;
	struct nvmf_capsule *r1, *r2, *r3;
	int s1, s2;

	ck_assert_ptr_null(response(5, 0));
	ck_assert_int_eq(errno, ENOENT);
	s1 = command(1, 5, false, 0); /* a hostile host uses a CID twice */
	s2 = command(1, 5, false, 0);
	command(1, 21, false, 0); /* the same bucket */
	r1 = response(5, 1);
	r2 = response(5, 2);
	r3 = response(5, 3);
	ck_assert(r1 && r2 && r3);
	ck_assert_int_eq(nvmf_transmit_capsule(r2), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(r1), 0);
	ck_assert_int_eq(nvmf_transmit_capsule(r3), -ENOENT);
	ck_assert_int_eq(nvmf_transmit_capsule(r1), -ENOENT);
	turn(2);
	ck_assert_uint_eq(got_status(s1), 1);
	ck_assert_uint_eq(got_status(s2), 2);
	a = fake_cmd(f, 2, s1)->ended_at;
	b = fake_cmd(f, 2, s2)->ended_at;
	ck_assert_uint_lt(b, a);
	nvmf_free_capsule(r1);
	nvmf_free_capsule(r2);
	nvmf_free_capsule(r3);
	ck_assert_ptr_null(response(5, 0));
	s1 = command(1, 5, false, 0); /* one allocated and freed unsent does not count */
	nvmf_free_capsule(response(5, 0));
	ck_assert_int_eq(respond(5, 7), 0);
	turn(2);
	ck_assert_uint_eq(got_status(s1), 7);
	ck_assert_int_eq(respond(21, 0), 0);
	ck_assert_ptr_null(nvmf_allocate_command(qp, host, NVMF_WAITOK));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* No success while data is outstanding: GETs first, in order, then the response. */
START_TEST(response_waits_for_data)
{
	struct memdesc m = memdesc_vaddr(mem);
	unsigned int i;
	int slot = command(1, 5, false, 3 * 4096);

	f->hold = true;
	for (i = 0; i < 3; i++) {
		m = memdesc_vaddr(mem + 4096 * i);
		ck_assert_int_eq(nvmf_receive_controller_data(last(), 4096 * i, &m, 4096, on_data,
							      &seen),
				 0);
	}
	ck_assert_int_eq(respond(5, 0), 0);
	for (i = 0; i < 3; i++) {
		turn(3);
		ck_assert_uint_eq(seen.data, i);
		ck_assert_uint_eq(f->qp[2].held[slot].opcode, WEFT_OP_GET_DATA);
		ck_assert_uint_eq(((struct weft_ctl_entry *)&f->qp[2].held[slot])->offset,
				  4096 * i);
		fake_release(f, 2, (uint16_t)slot, 0);
	}
	turn(3);
	ck_assert_uint_eq(seen.data, 3);
	ck_assert_uint_eq(f->qp[2].held[slot].opcode, WEFT_OP_RESPOND);
	fake_release(f, 2, (uint16_t)slot, 0);
	turn(2);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->responses, 1);
	ck_assert_mem_eq(mem, host, 3 * 4096);
}
END_TEST

START_TEST(aborts)
{
	struct memdesc m = memdesc_vaddr(mem);
	struct nvmf_buf b[2];
	int slot = command(1, 5, false, 8192);

	nvmf_abort_capsule_data(last(), -EINTR); /* nothing there */
	f->hold = true;
	nvmf_receive_controller_data(last(), 0, &m, 4096, on_data, &seen);
	nvmf_receive_controller_data(last(), 4096, &m, 4096, on_data, &seen);
	turn(2);
	nvmf_abort_capsule_data(last(), -EINTR);
	ck_assert_uint_eq(seen.data, 1); /* the one at the adapter lives on */
	ck_assert_int_eq(seen.data_error, -EINTR);
	ck_assert_int_eq(respond(5, 0x07), 0);
	fake_release(f, 2, (uint16_t)slot, 0);
	turn(2);
	ck_assert_uint_eq(seen.data, 2);
	ck_assert_int_eq(seen.data_error, -EINTR);
	ck_assert_uint_eq(seen.xfered, 0);
	fake_release(f, 2, (uint16_t)slot, 0);
	turn(2);
	ck_assert_uint_eq(got_status(slot), 0x07);
	/* data that was to be sent: the host must not believe in success */
	slot = command(2, 6, false, 8192);
	nvmf_send_controller_data(last(), 0, fill_buf(&b[0], 0, 4096, NULL), 4096);
	nvmf_send_controller_data(last(), 4096, fill_buf(&b[1], 0, 4096, NULL), 4096);
	turn(2);
	nvmf_abort_capsule_data(last(), -EINTR);
	ck_assert_uint_eq(seen.done, 1);
	ck_assert_int_eq(respond(6, 0), 0);
	f->hold = false;
	fake_release(f, 2, (uint16_t)slot, 0);
	turn(3);
	ck_assert_uint_eq(seen.done, 2);
	ck_assert_uint_eq(got_status(slot), 0x04);
	ck_assert_uint_eq(fake_cmd(f, 2, slot)->sends, 1);
}
END_TEST

START_TEST(lazy_doorbell_waits_for_a_kick)
{
	int slot;

	nvmf_free_qpair(qp);
	turn(3);
	seen.lazy = true;
	ck_assert_uint_eq(host_connects(), 1);
	{
		uint8_t sqe[64];

		fake_host_sqe(sqe, 0, 3, false, 0);
		slot = fake_host_send(f, 1, sqe, false, NULL, 0, 0);
	}
	turn(1);
	ck_assert_int_eq(respond(3, 0), 0);
	fake_run(f);
	ck_assert_uint_eq(fake_cmd(f, 1, slot)->responses, 0);
	ck_assert_int_eq(nvmf_qpair_kick(qp), 0);
	fake_run(f);
	ck_assert_uint_eq(fake_cmd(f, 1, slot)->responses, 1);
}
END_TEST

/* A ring with one place: everything still happens, in order, and responses never fail. */
START_TEST(ring_full)
{
	struct nvmf_buf b[8][2];
	struct memdesc m;
	unsigned int i, round;

	nvmf_free_qpair(qp);
	nvmf_unlisten(lis);
	listen_on(2);
	for (round = 0; round < 4; round++) {
		uint16_t id = host_connects();
		uint8_t sqe[64];

		ck_assert_uint_ne(id, 0);
		nvmf_qpair_set_sq_flow_control(qp, round % 2);
		memset(mem, 0, 65536);
		memcpy(mem + 65536, host, 65536);
		seen.commands = seen.done = seen.data = 0;
		f->frozen = true;
		for (i = 0; i < 2; i++) {
			fake_host_sqe(sqe, 1, (uint16_t)i, false, 8192);
			ck_assert_int_eq(fake_host_send(f, id, sqe, false, host, 8192, 0), (int)i);
			turn(1);
		}
		m = memdesc_vaddr(mem);
		ck_assert_int_eq(
			nvmf_receive_controller_data(seen.held[0], 0, &m, 8192, on_data, &seen), 0);
		ck_assert_uint_eq(nvmf_send_controller_data(
					  seen.held[1], 0, fill_buf(b[0], 65536, 4096, NULL), 4096),
				  NVMF_MORE);
		ck_assert_uint_eq(
			nvmf_send_controller_data(seen.held[1], 4096,
						  fill_buf(b[1], 65536 + 4096, 4096, NULL), 4096),
			round % 2 ? NVME_SC_SUCCESS : NVMF_SUCCESS_SENT);
		ck_assert_int_eq(respond(0, 0), 0);
		if (round % 2)
			ck_assert_int_eq(respond(1, 0), 0);
		turn(3);
		f->frozen = false;
		turn(12);
		ck_assert_uint_eq(seen.data, 1);
		ck_assert_uint_eq(seen.done, 2);
		ck_assert_mem_eq(mem, host, 8192);
		ck_assert_mem_eq(fake_cmd(f, id, 1)->data, host, 8192);
		ck_assert_uint_eq(fake_cmd(f, id, 0)->responses, 1);
		ck_assert_uint_eq(fake_cmd(f, id, 1)->responses, round % 2);
		nvmf_free_capsule(seen.held[0]);
		nvmf_free_capsule(seen.held[1]);
		seen.commands = 0;
		free_it();
		turn(3);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("controller");
	TCase *t = tcase_create("commands");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, commands_come_with_a_copy_of_the_sqe);
	tcase_add_test(t, validates);
	tcase_add_test(t, in_capsule_data);
	tcase_add_test(t, writes_by_r2t);
	tcase_add_test(t, receive_refuses);
	tcase_add_test(t, receive_errors);
	tcase_add_test(t, read_in_one_entry_with_its_response);
	tcase_add_test(t, read_with_success_flag);
	tcase_add_test(t, long_reads_and_many_pieces);
	tcase_add_test(t, send_refuses);
	tcase_add_test(t, memory_lost_before_the_merge);
	tcase_add_test(t, memory_lost_before_success);
	tcase_add_test(t, responses_find_their_commands);
	tcase_add_test(t, response_waits_for_data);
	tcase_add_test(t, aborts);
	tcase_add_test(t, lazy_doorbell_waits_for_a_kick);
	tcase_add_test(t, ring_full);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
