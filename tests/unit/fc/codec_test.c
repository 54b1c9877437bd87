/* SPDX-License-Identifier: BSD-2-Clause */
/* Information units and link services: what Linux sent, byte for byte, and what nobody should send. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../host-lib/fc/wire.h"
#include "fc_test.h"
#include "fcoe_file.h"

#define CAPTURE "tests/data/fc-r4k.pcap"
#define FROM_HOST 0x010201

static unsigned int seen[256];
static uint8_t ls_of[2][65536]; /* command of the link service on an exchange, by originator */
static struct {
	uint8_t buf[FC_LS_RQST_MAX];
	size_t len;
	uint8_t cmd; /* of the request */
} golden[8];
static unsigned int n_golden;
static uint8_t golden_cmnd[96], golden_ersp[32];

static void keep(const struct fc_frame *f, uint8_t cmd)
{
	ck_assert_uint_lt(n_golden, 8);
	memcpy(golden[n_golden].buf, f->payload, f->len);
	golden[n_golden].len = f->len;
	golden[n_golden++].cmd = cmd;
}

static void same(const struct fc_frame *f, const void *made, size_t len)
{
	ck_assert_uint_eq(f->len, len);
	ck_assert_mem_eq(f->payload, made, len);
}

static void again_rqst(const struct fc_frame *f)
{
	uint8_t made[FC_LS_RQST_MAX];
	struct fc_ls_rqst r;
	struct fc_ls_rjt rjt;

	ck_assert_int_eq(fc_ls_rqst_parse(f->payload, f->len, &r, &rjt), 0);
	same(f, made, fc_ls_rqst_build(made, &r));
	ls_of[f->s_id == FROM_HOST][f->ox_id] = r.cmd;
	keep(f, r.cmd);
}

static void again_resp(const struct fc_frame *f)
{
	uint8_t cmd = ls_of[f->d_id == FROM_HOST][f->ox_id];
	uint8_t made[FC_LS_RSP_MAX];
	struct fc_ls_resp r;

	ck_assert_int_eq(fc_ls_resp_parse(f->payload, f->len, cmd, &r), 0);
	same(f, made, fc_ls_resp_build(made, cmd, &r));
	keep(f, cmd);
}

static void again_cmnd(const struct fc_frame *f)
{
	struct fc_cmnd c;
	uint8_t made[96];

	ck_assert_int_eq(fc_cmnd_parse(f->payload, f->len, &c), 0);
	fc_cmnd_build(made, &c);
	same(f, made, sizeof(made));
	if (c.data_len)
		memcpy(golden_cmnd, made, sizeof(made));
}

static void again_rsp(const struct fc_frame *f)
{
	struct fc_rsp r;
	uint8_t made[32];

	ck_assert_int_eq(fc_rsp_parse(f->payload, f->len, &r), 0);
	ck_assert_int_eq(r.extended, f->r_ctl == FC_RCTL_ERSP);
	same(f, made, fc_rsp_build(made, &r));
	if (r.extended)
		memcpy(golden_ersp, made, sizeof(made));
}

static void again_xfer_rdy(const struct fc_frame *f)
{
	uint32_t offset, burst;
	uint8_t made[12];

	ck_assert_int_eq(fc_xfer_rdy_parse(f->payload, f->len, &offset, &burst), 0);
	fc_xfer_rdy_build(made, offset, burst);
	same(f, made, sizeof(made));
}

static void again(const struct fc_frame *f)
{
	seen[f->r_ctl]++;
	if (f->r_ctl == FC_RCTL_LS_RQST)
		again_rqst(f);
	else if (f->r_ctl == FC_RCTL_LS_RESP)
		again_resp(f);
	else if (f->r_ctl == FC_RCTL_CMND)
		again_cmnd(f);
	else if (f->r_ctl == FC_RCTL_RSP || f->r_ctl == FC_RCTL_ERSP)
		again_rsp(f);
	else if (f->r_ctl == FC_RCTL_XFER_RDY)
		again_xfer_rdy(f);
}

static void read_capture(void)
{
	n_golden = 0;
	memset(seen, 0, sizeof(seen));
	fcoe_read(CAPTURE, again);
}

START_TEST(capture_is_read_and_written_byte_for_byte)
{
	read_capture();
	ck_assert_uint_eq(seen[FC_RCTL_LS_RQST], 4);
	ck_assert_uint_eq(seen[FC_RCTL_LS_RESP], 4);
	ck_assert_uint_eq(seen[FC_RCTL_CMND], 28);
	ck_assert_uint_eq(seen[FC_RCTL_RSP], 15);
	ck_assert_uint_eq(seen[FC_RCTL_ERSP], 12);
	ck_assert_uint_eq(seen[FC_RCTL_XFER_RDY], 4);
}
END_TEST

START_TEST(create_association_of_linux_in_detail)
{
	struct fc_ls_rqst r;
	struct fc_ls_rjt rjt;

	read_capture();
	ck_assert_int_eq(fc_ls_rqst_parse(golden[0].buf, golden[0].len, &r, &rjt), 0);
	ck_assert_uint_eq(r.cmd, FCNVME_LS_CREATE_ASSOCIATION);
	ck_assert_uint_eq(r.ersp_ratio, 8);
	ck_assert_uint_eq(r.sqsize, 31);
	ck_assert_uint_eq(r.cntlid, NVME_CNTLID_DYNAMIC);
	ck_assert_str_eq(r.subnqn, "nqn.2014-08.org.demo:fc1");
	ck_assert_uint_eq(r.hostid[0], 0x11);
}
END_TEST

/* --- hostile ------------------------------------------------------------------------------------------ */

/* In memory of exactly that size, so that a byte too far is seen. */
static int parse_ls(const void *buf, size_t len, uint8_t cmd, bool response)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct fc_ls_resp resp;
	struct fc_ls_rqst r;
	struct fc_ls_rjt rjt = { 0 };
	int rc;

	memcpy(copy, buf, len);
	rc = response ? fc_ls_resp_parse(copy, len, cmd, &resp) :
			fc_ls_rqst_parse(copy, len, &r, &rjt);
	free(copy);
	if (!response && rc)
		ck_assert_uint_ne(rjt.reason, 0);
	return rc;
}

static bool is_response(unsigned int i)
{
	return golden[i].buf[0] <= FCNVME_LS_ACC;
}

START_TEST(every_truncation_of_a_link_service_is_refused)
{
	read_capture();
	for (unsigned int i = 0; i < n_golden; i++)
		for (size_t len = 0; len < golden[i].len; len++)
			ck_assert_int_ne(
				parse_ls(golden[i].buf, len, golden[i].cmd, is_response(i)), 0);
}
END_TEST

START_TEST(a_request_with_more_than_its_list_is_refused)
{
	uint8_t buf[FC_LS_RQST_MAX + 4] = { 0 };

	read_capture();
	for (unsigned int i = 0; i < n_golden; i++) {
		memcpy(buf, golden[i].buf, golden[i].len);
		if (!is_response(i))
			ck_assert_int_eq(parse_ls(buf, golden[i].len + 4, 0, false), -EPROTO);
	}
}
END_TEST

/* Breaks each bit of the word at p in turn. */
static void break_word(unsigned int i, size_t at)
{
	for (int bit = 0; bit < 32; bit++) {
		uint8_t *b = &golden[i].buf[at + (size_t)bit / 8];

		*b ^= (uint8_t)(1 << bit % 8);
		ck_assert_msg(parse_ls(golden[i].buf, golden[i].len, golden[i].cmd,
				       is_response(i)) != 0,
			      "payload %u, word at %zu, bit %d", i, at, bit);
		*b ^= (uint8_t)(1 << bit % 8);
	}
}

START_TEST(every_wrong_tag_and_length_of_a_link_service_is_refused)
{
	read_capture();
	for (unsigned int i = 0; i < n_golden; i++) {
		size_t at = 8;

		break_word(i, 4);
		while (at < golden[i].len) {
			break_word(i, at);
			break_word(i, at + 4);
			at += 8 + ((size_t)golden[i].buf[at + 6] << 8 | golden[i].buf[at + 7]);
		}
		ck_assert_uint_eq(at, golden[i].len);
	}
}
END_TEST

START_TEST(a_response_to_another_request_is_refused)
{
	read_capture();
	for (unsigned int i = 0; i < n_golden; i++)
		for (uint8_t cmd = 0; is_response(i) && cmd < 8; cmd++)
			if (cmd != golden[i].cmd)
				ck_assert_int_eq(parse_ls(golden[i].buf, golden[i].len, cmd, true),
						 -EBADMSG);
}
END_TEST

static const struct {
	size_t at;
	uint16_t value;
	uint8_t reason, explan;
} bad_assoc[] = {
	{ 16, 0, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_ERSP_RATIO },
	{ 16, 31, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_ERSP_RATIO },
	{ 56, 0xfff0, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_CNTLID },
	{ 58, 0, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SQSIZE },
	{ 80, 0, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_HOSTNQN },
	{ 336, 0, FCNVME_RJT_RC_INV_PARAM, FCNVME_RJT_EXP_SUBNQN },
	{ 0, 0x0900, FCNVME_RJT_RC_INVAL, FCNVME_RJT_EXP_NONE },
	{ 0, 0x0100, FCNVME_RJT_RC_INVAL, FCNVME_RJT_EXP_NONE },
};

START_TEST(each_wrong_field_gets_its_own_reject)
{
	struct fc_ls_rqst r;
	struct fc_ls_rjt rjt;

	read_capture();
	golden[0].buf[bad_assoc[_i].at] = (uint8_t)(bad_assoc[_i].value >> 8);
	golden[0].buf[bad_assoc[_i].at + 1] = (uint8_t)bad_assoc[_i].value;
	ck_assert_int_eq(fc_ls_rqst_parse(golden[0].buf, golden[0].len, &r, &rjt), -EPROTO);
	ck_assert_uint_eq(rjt.reason, bad_assoc[_i].reason);
	ck_assert_uint_eq(rjt.explan, bad_assoc[_i].explan);
}
END_TEST

START_TEST(a_name_without_end_is_refused)
{
	struct fc_ls_rqst r;
	struct fc_ls_rjt rjt;

	read_capture();
	memset(&golden[0].buf[336], 'x', 256);
	ck_assert_int_eq(fc_ls_rqst_parse(golden[0].buf, golden[0].len, &r, &rjt), -EPROTO);
	ck_assert_uint_eq(rjt.explan, FCNVME_RJT_EXP_SUBNQN);
}
END_TEST

START_TEST(create_connection_for_the_admin_queue_is_refused)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_CREATE_CONNECTION, .ersp_ratio = 3, .sqsize = 15 };
	uint8_t buf[FC_LS_RQST_MAX];
	struct fc_ls_rjt rjt;
	uint32_t len = fc_ls_rqst_build(buf, &r);

	ck_assert_int_eq(fc_ls_rqst_parse(buf, len, &r, &rjt), -EPROTO);
	ck_assert_uint_eq(rjt.explan, FCNVME_RJT_EXP_QUEUE_ID);
}
END_TEST

START_TEST(disconnect_connection_there_and_back)
{
	struct fc_ls_rqst r = { .cmd = FCNVME_LS_DISCONNECT_CONN,
				.association_id = 0x123456789abc0000,
				.connection_id = 0x123456789abc0007 };
	uint8_t buf[FC_LS_RQST_MAX];
	struct fc_ls_rqst got;
	struct fc_ls_rjt rjt;

	ck_assert_uint_eq(fc_ls_rqst_build(buf, &r), 40);
	ck_assert_int_eq(fc_ls_rqst_parse(buf, 40, &got, &rjt), 0);
	ck_assert_mem_eq(&got, &r, sizeof(r));
	for (size_t len = 0; len < 40; len++)
		ck_assert_int_eq(parse_ls(buf, len, 0, false), -EPROTO);
}
END_TEST

START_TEST(a_cmnd_iu_of_another_length_or_format_is_refused)
{
	static const uint8_t at[] = { 0, 1, 2, 3 };
	uint8_t buf[97] = { 0 };
	struct fc_cmnd c;

	read_capture();
	memcpy(buf, golden_cmnd, 96);
	for (size_t len = 0; len <= 97; len++)
		ck_assert_int_eq(fc_cmnd_parse(buf, len, &c), len == 96 ? 0 : -EIO);
	for (size_t i = 0; i < sizeof(at); i++) {
		buf[at[i]] ^= 0x10;
		ck_assert_int_eq(fc_cmnd_parse(buf, 96, &c), -EIO);
		buf[at[i]] ^= 0x10;
	}
}
END_TEST

static const struct {
	uint8_t opc, fctype, flags;
	uint32_t len;
	int rc;
} directions[] = {
	{ NVME_OPC_WRITE, 0, FCNVME_FLAG_WRITE, 512, 0 },
	{ NVME_OPC_READ, 0, FCNVME_FLAG_READ, 512, 0 },
	{ NVME_OPC_FLUSH, 0, 0, 0, 0 },
	{ NVME_OPC_SET_FEATURES, 0, 0, 0, 0 },
	{ NVME_OPC_FABRICS, NVME_FCTYPE_CONNECT, FCNVME_FLAG_WRITE, 1024, 0 },
	{ NVME_OPC_FABRICS, NVME_FCTYPE_AUTH_RECEIVE, FCNVME_FLAG_READ, 64, 0 },
	{ NVME_OPC_READ, 0, FCNVME_FLAG_WRITE, 512, -EPROTO },
	{ NVME_OPC_WRITE, 0, FCNVME_FLAG_READ, 512, -EPROTO },
	{ NVME_OPC_FABRICS, NVME_FCTYPE_CONNECT, FCNVME_FLAG_READ, 1024, -EPROTO },
	{ NVME_OPC_WRITE, 0, FCNVME_FLAG_WRITE | FCNVME_FLAG_READ, 512, -EPROTO },
	{ NVME_OPC_WRITE, 0, FCNVME_FLAG_WRITE | FCNVME_FLAG_PICWP, 512, -EPROTO },
	{ NVME_OPC_WRITE, 0, 0, 512, -EPROTO },
	{ NVME_OPC_READ, 0, FCNVME_FLAG_READ, 0, -EPROTO },
};

START_TEST(flags_agree_with_length_and_opcode)
{
	struct fc_cmnd c = { .flags = directions[_i].flags, .data_len = directions[_i].len };
	uint8_t buf[96];

	c.sqe[0] = directions[_i].opc;
	c.sqe[4] = directions[_i].fctype;
	fc_cmnd_build(buf, &c);
	ck_assert_int_eq(fc_cmnd_parse(buf, 96, &c), directions[_i].rc);
}
END_TEST

START_TEST(a_response_iu_has_three_lengths)
{
	struct fc_rsp r;
	uint8_t buf[40] = { 0 };

	read_capture();
	for (size_t len = 0; len < 40; len++)
		ck_assert_int_eq(fc_rsp_parse(buf, len, &r), len == 0 || len == 12 ? 0 : -EBADMSG);
	memcpy(buf, golden_ersp, 32);
	for (size_t len = 1; len < 40; len++)
		ck_assert_int_eq(fc_rsp_parse(buf, len, &r), len == 32 ? 0 : -EBADMSG);
	buf[3] = 7;
	ck_assert_int_eq(fc_rsp_parse(buf, 32, &r), -EBADMSG);
}
END_TEST

START_TEST(xfer_rdy_asks_for_something_in_twelve_bytes)
{
	uint32_t offset, burst;
	uint8_t buf[16] = { 0 };

	for (size_t len = 0; len < 16; len++)
		ck_assert_int_eq(fc_xfer_rdy_parse(buf, len, &offset, &burst), -EBADMSG);
	fc_xfer_rdy_build(buf, 0x10203, 4096);
	ck_assert_int_eq(fc_xfer_rdy_parse(buf, 12, &offset, &burst), 0);
	ck_assert_uint_eq(offset, 0x10203);
	ck_assert_uint_eq(burst, 4096);
}
END_TEST

Suite *codec_suite(void)
{
	Suite *s = suite_create("codec");
	TCase *t = tcase_create("golden");

	tcase_add_test(t, capture_is_read_and_written_byte_for_byte);
	tcase_add_test(t, create_association_of_linux_in_detail);
	suite_add_tcase(s, t);
	t = tcase_create("hostile");
	tcase_add_test(t, every_truncation_of_a_link_service_is_refused);
	tcase_add_test(t, a_request_with_more_than_its_list_is_refused);
	tcase_add_test(t, every_wrong_tag_and_length_of_a_link_service_is_refused);
	tcase_add_test(t, a_response_to_another_request_is_refused);
	tcase_add_loop_test(t, each_wrong_field_gets_its_own_reject, 0,
			    sizeof(bad_assoc) / sizeof(bad_assoc[0]));
	tcase_add_test(t, a_name_without_end_is_refused);
	tcase_add_test(t, create_connection_for_the_admin_queue_is_refused);
	tcase_add_test(t, disconnect_connection_there_and_back);
	tcase_add_test(t, a_cmnd_iu_of_another_length_or_format_is_refused);
	tcase_add_loop_test(t, flags_agree_with_length_and_opcode, 0,
			    sizeof(directions) / sizeof(directions[0]));
	tcase_add_test(t, a_response_iu_has_three_lengths);
	tcase_add_test(t, xfer_rdy_asks_for_something_in_twelve_bytes);
	suite_add_tcase(s, t);
	return s;
}
