// SPDX-License-Identifier: BSD-2-Clause
/*
 * The whole adapter against the scripted peer, in process and in cycle time: a target that breaks the rules.
 * Data is compared in both memories.
 */
#include <check.h>
#include <string.h>

#include "cosim_fixture.h"

/* --- a bad target ---------------------------------------------------------------------------------------------------------------- */

/*
 * Whatever one PDU does wrong: each command ends, nobody hangs, no byte lands outside its buffer, and the adapter can be
 * used again.
 */
START_TEST(a_target_that_breaks_the_rules)
{
	enum peer_fault fault = (enum peer_fault)_i;
	struct rig_params params = { .digests = 3, .io_timeout_ms = 200, .peer.no_kato = true };
	struct rig_io io = { 0 };
	struct weft_dma_stats dma;
	bool write = fault >= PEER_R2T_HDGST && fault <= PEER_R2T_NONE;
	uint32_t len = 65536, i;
	uint8_t *buf;

	open_rig(&params);
	buf = weft_mem_alloc(rig.dev, 3 * len);
	ck_assert_ptr_nonnull(buf);
	memset(buf, 0xa5, 3 * len);
	peer_misbehave(rig.peer, fault, 1, 1, fault == PEER_RESP_STATUS ? 0x4006 : 2);
	ck_assert_int_eq(write ? rig_write(&rig, buf + len, 0, len / 512, &io) :
				 rig_read(&rig, buf + len, 0, len / 512, &io),
			 0);
	ck_assert_msg(rig_wait(&rig, &io, 1, 3 * SECOND), "%s: the command does not end",
		      peer_fault_name(fault));
	ck_assert_msg(peer_misbehaved(rig.peer), "%s did not happen", peer_fault_name(fault));
	for (i = 0; i < len; i++) {
		ck_assert_msg(buf[i] == 0xa5, "%s: byte %u before the buffer",
			      peer_fault_name(fault), i);
		ck_assert_msg(buf[2 * len + i] == 0xa5, "%s: byte %u behind the buffer",
			      peer_fault_name(fault), i);
	}
	weft_sim_bus_stats(rig.inproc, &dma);
	ck_assert_uint_eq(dma.refused, 0);
	nvme_host_disconnect(rig.host);
	rig.host = NULL;
	peer_close_all(rig.peer, true);
	rig_run(&rig, 10 * MS);
	ck_assert_msg(!rig_connect(&rig), "%s: no new association: %s", peer_fault_name(fault),
		      weft_last_error());
	round_trip(0, 8192, 1);
	nothing_is_left();
	rig_close(&rig);
}
END_TEST

START_TEST(a_target_that_refuses_the_connection)
{
	struct rig_params params = { .digests = _i == PEER_IC_DIGEST ? 0 : 3 };

	ck_assert_int_eq(rig_open(&rig, &params), 0);
	peer_misbehave(rig.peer, (enum peer_fault)_i, 0, 1, 6);
	ck_assert_msg(rig_connect(&rig), "%s: connected", peer_fault_name((enum peer_fault)_i));
	ck_assert(peer_misbehaved(rig.peer));
	peer_close_all(rig.peer, true);
	rig_run(&rig, 10 * MS);
	ck_assert_msg(!rig_connect(&rig), "%s: %s", peer_fault_name((enum peer_fault)_i),
		      weft_last_error());
	nothing_is_left();
	rig_close(&rig);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cosim-target");
	TCase *t = tcase_create("cosim-target");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 100);
	tcase_add_loop_test(t, a_target_that_breaks_the_rules, PEER_C2H_HDGST, PEER_FAULTS);
	tcase_add_loop_test(t, a_target_that_refuses_the_connection, PEER_IC_PFV, PEER_IC_TERM + 1);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? 1 : 0;
}
