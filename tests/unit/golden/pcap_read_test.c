/* SPDX-License-Identifier: BSD-2-Clause */
/* Tests of the capture reader's rules, on captures made up for them. */
#include "pcap_read.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_make.h"

/* --- what comes out of a small capture ----------------------------------- */

struct text_sink {
	char text[4][256]; /* [2 * connection + from_server] */
	unsigned ends;
	unsigned finished;
	size_t unreachable;
	int refuse;
};

static struct capture capture;
static struct text_sink sink;
static struct pcap_result result;

static int sink_data(void *context, const struct pcap_stream *stream, const uint8_t *data,
		     size_t len)
{
	struct text_sink *s = context;
	char *text = s->text[2 * stream->connection + stream->from_server];

	ck_assert_uint_lt(stream->connection, 2);
	ck_assert_uint_gt(len, 0);
	ck_assert_uint_eq(stream->offset, strlen(text));
	ck_assert_uint_lt(strlen(text) + len, sizeof(s->text[0]));
	ck_assert_uint_eq(stream->from_server ? stream->source_port : stream->target_port,
			  SERVER_PORT);
	ck_assert_uint_eq(stream->source_ip, stream->from_server ? 0x0a000002 : 0x0a000001);
	memcpy(text + strlen(text), data, len);
	return s->refuse;
}

static int sink_end(void *context, const struct pcap_stream *stream)
{
	struct text_sink *s = context;

	s->ends++;
	s->finished += stream->finished;
	s->unreachable += stream->unreachable;
	return 0;
}

static const struct pcap_ops sink_ops = { sink_data, sink_end };

static void begin(void)
{
	capture_begin(&capture, PCAP_CLASSIC_LE);
	memset(&sink, 0, sizeof(sink));
}

static int read_capture(void)
{
	return pcap_read_memory(capture.data, capture.len, &sink_ops, &sink, &result);
}

static void client(uint32_t seq, const char *text)
{
	capture_segment(&capture, false, seq, TCP_ACK, text);
}

static void expect_client(const char *text)
{
	int rc = read_capture();

	ck_assert_msg(rc == 0, "%s", result.error);
	ck_assert_str_eq(sink.text[0], text);
}

static void expect_refusal(const char *words)
{
	ck_assert_int_eq(read_capture(), -EBADMSG);
	ck_assert_msg(strstr(result.error, words), "\"%s\" lacks \"%s\"", result.error, words);
}

START_TEST(both_directions_of_every_format)
{
	begin();
	capture_begin(&capture, (enum pcap_format)_i);
	capture_handshake(&capture, 100, 900);
	client(100, "hello ");
	capture_segment(&capture, true, 900, TCP_ACK, "good day");
	client(106, "again");
	expect_client("hello again");
	ck_assert_str_eq(sink.text[1], "good day");
	ck_assert_uint_eq(result.frames, 5);
	ck_assert_uint_eq(result.segments, 5);
	ck_assert_uint_eq(result.connections, 1);
	ck_assert_uint_eq(sink.ends, 2);
	ck_assert_uint_eq(sink.finished, 0);
}
END_TEST

START_TEST(early_segments_wait_for_the_gap_to_close)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(109, "three");
	client(103, "two");
	client(106, "2.5");
	client(100, "one");
	expect_client("onetwo2.5three");
	ck_assert_uint_eq(result.out_of_order, 3);
	ck_assert_uint_eq(result.repeated, 0);
}
END_TEST

START_TEST(repeated_bytes_come_once)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "abcdef");
	client(100, "abcdef");
	client(103, "defghi");
	client(102, "cd");
	expect_client("abcdefghi");
	ck_assert_uint_eq(result.repeated, 3);
}
END_TEST

START_TEST(early_segments_may_overlap)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(104, "ef");
	client(103, "defg");
	client(103, "de");
	client(100, "abcd");
	expect_client("abcdefg");
}
END_TEST

START_TEST(another_content_in_a_repetition_is_refused)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "abcdef");
	client(102, "cX");
	expect_refusal("frame 4: retransmission differs");
}
END_TEST

START_TEST(another_content_in_an_early_segment_is_refused)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(103, "dX");
	client(100, "abcde");
	expect_refusal("frame 4: retransmission differs");
}
END_TEST

START_TEST(sequence_numbers_wrap)
{
	begin();
	capture_handshake(&capture, 0xfffffffd, 900);
	client(3, "six");
	client(0xfffffffd, "threes");
	expect_client("threessix");
}
END_TEST

START_TEST(a_gap_that_stays_is_told)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "ab");
	client(103, "lost?");
	expect_client("ab");
	ck_assert_uint_eq(sink.unreachable, 5);
}
END_TEST

START_TEST(fin_finishes_its_direction)
{
	begin();
	capture_handshake(&capture, 100, 900);
	capture_segment(&capture, false, 102, TCP_FIN | TCP_ACK, "cd");
	client(100, "ab");
	capture_segment(&capture, true, 905, TCP_FIN | TCP_ACK, "");
	expect_client("abcd");
	ck_assert_uint_eq(sink.finished, 1);
}
END_TEST

START_TEST(data_beyond_fin_is_refused)
{
	begin();
	capture_handshake(&capture, 100, 900);
	capture_segment(&capture, false, 100, TCP_FIN | TCP_ACK, "ab");
	client(102, "c");
	expect_refusal("beyond the FIN");
}
END_TEST

START_TEST(a_far_sequence_number_is_refused)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(_i ? 100u + 0x7fffffffu : 50u, "x");
	expect_refusal("far from any window");
}
END_TEST

START_TEST(acks_and_resets_carry_nothing)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(99, "");
	client(100, "ab");
	capture_segment(&capture, false, 102, TCP_RST, "why");
	expect_client("ab");
}
END_TEST

START_TEST(a_repeated_syn_is_the_same_connection)
{
	begin();
	capture_segment(&capture, false, 99, TCP_SYN, "");
	capture_handshake(&capture, 100, 900);
	capture_segment(&capture, true, 899, TCP_SYN | TCP_ACK, "");
	client(100, "ab");
	expect_client("ab");
	ck_assert_uint_eq(result.connections, 1);
}
END_TEST

START_TEST(the_same_ports_again_are_another_connection)
{
	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "old");
	capture_handshake(&capture, 7000, 8000);
	client(7000, "new");
	expect_client("old");
	ck_assert_str_eq(sink.text[2], "new");
	ck_assert_uint_eq(result.connections, 2);
}
END_TEST

START_TEST(connections_are_kept_apart_by_port)
{
	begin();
	capture_handshake(&capture, 100, 900);
	capture.client_port++;
	capture_handshake(&capture, 100, 900);
	client(100, "second");
	capture.client_port--;
	client(100, "first");
	expect_client("first");
	ck_assert_str_eq(sink.text[2], "second");
}
END_TEST

START_TEST(what_has_no_syn_is_passed_over)
{
	begin();
	client(100, "ab");
	capture_segment(&capture, true, 900, TCP_SYN | TCP_ACK, "");
	ck_assert_int_eq(read_capture(), 0);
	ck_assert_uint_eq(result.passed_over, 2);
	ck_assert_uint_eq(result.connections, 0);
}
END_TEST

START_TEST(other_protocols_are_passed_over)
{
	static const uint8_t arp[42] = { [12] = 0x08, 0x06 };

	begin();
	capture_frame(&capture, arp, sizeof(arp));
	capture_handshake(&capture, 100, 900);
	client(100, "ab");
	expect_client("ab");
	ck_assert_uint_eq(result.passed_over, 1);
}
END_TEST

/* Flips a byte of each layer; the segment must not reach the stream. */
START_TEST(wrong_checksums_are_counted_and_dropped)
{
	static const size_t at[] = { 14 + 8, 34 + 4, 34 + 20 };

	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "abc");
	capture.data[capture.last + at[_i]] ^= 0x20;
	client(100, "abc");
	expect_client("abc");
	ck_assert_uint_eq(result.bad_checksums, 1);
	ck_assert_uint_eq(result.repeated, 0);
}
END_TEST

START_TEST(padding_of_short_frames_is_no_data)
{
	uint8_t padded[60] = { 0 };

	begin();
	capture_handshake(&capture, 100, 900);
	client(100, "ab");
	memcpy(padded, capture.data + capture.last, capture.last_len);
	capture.len = capture.last - 16;
	capture_frame(&capture, padded, sizeof(padded));
	expect_client("ab");
}
END_TEST

START_TEST(the_value_of_a_callback_ends_the_reading)
{
	begin();
	sink.refuse = -ECANCELED;
	capture_handshake(&capture, 100, 900);
	client(100, "ab");
	client(102, "cd");
	ck_assert_int_eq(read_capture(), -ECANCELED);
	ck_assert_str_eq(sink.text[0], "ab");
}
END_TEST

/* --- damaged files ------------------------------------------------------- */

static void make_any(enum pcap_format format)
{
	begin();
	capture_begin(&capture, format);
	capture_handshake(&capture, 100, 900);
	client(100, "abc");
}

/* Every length but that of whole frames is refused, whatever the format. */
START_TEST(every_cut_is_refused_or_falls_between_frames)
{
	unsigned whole = 0;

	make_any((enum pcap_format)_i);
	for (size_t len = 0; len < capture.len; len++) {
		int rc;

		memset(&sink, 0, sizeof(sink));
		rc = pcap_read_memory(capture.data, len, &sink_ops, &sink, &result);
		ck_assert(rc == 0 || rc == -EBADMSG);
		ck_assert(rc == 0 || result.error[0]);
		whole += rc == 0;
	}
	/* classic: after the header and each frame; pcapng: after each block as well. */
	ck_assert_uint_eq(whole, _i >= PCAP_NG_LE ? 4 : 3);
}
END_TEST

static const struct {
	enum pcap_format format;
	size_t at;
	uint8_t value;
	const char *words;
} damages[] = {
	{ PCAP_CLASSIC_LE, 0, 0, "neither pcap nor pcapng" },
	{ PCAP_CLASSIC_LE, 4, 3, "version 3.4" },
	{ PCAP_CLASSIC_LE, 20, 113, "link type 113" },
	{ PCAP_CLASSIC_LE, 24 + 10, 1, "only" },
	{ PCAP_CLASSIC_LE, 24 + 12, 55, "54 of 55 bytes captured" },
	{ PCAP_CLASSIC_LE, 40 + 14, 0x65, "IPv4 header" },
	{ PCAP_CLASSIC_LE, 40 + 14, 0x4f, "IPv4 header" },
	{ PCAP_CLASSIC_LE, 40 + 16, 1, "IPv4 header" },
	{ PCAP_NG_LE, 8, 0, "byte order" },
	{ PCAP_NG_LE, 12, 2, "version 2" },
	{ PCAP_NG_LE, 4, 30, "length 30" },
	{ PCAP_NG_LE, 4, 8, "length 8" },
	{ PCAP_NG_LE, 24, 32, "two lengths differ" },
	{ PCAP_NG_LE, 28 + 8, 105, "link type 105" },
	{ PCAP_NG_LE, 28 + 18, 200, "longer than its block" },
	{ PCAP_NG_LE, 28 + 20, 0x7f, "too fine" },
	{ PCAP_NG_LE, 60 + 8, 1, "interface 1 unknown" },
	{ PCAP_NG_LE, 60 + 20, 200, "200 bytes, only" },
	{ PCAP_NG_LE, 60 + 24, 55, "54 of 55 bytes captured" },
	{ PCAP_NG_SIMPLE, 60 + 8, 200, "200 bytes, only" },
};

START_TEST(a_damaged_file_is_refused_with_a_reason)
{
	make_any(damages[_i].format);
	capture.data[damages[_i].at] = damages[_i].value;
	expect_refusal(damages[_i].words);
}
END_TEST

START_TEST(a_missing_file_is_named)
{
	ck_assert_int_eq(pcap_read("tests/data/absent.pcap", &sink_ops, &sink, &result), -ENOENT);
	ck_assert_ptr_nonnull(strstr(result.error, "absent.pcap"));
}
END_TEST

/* --- */

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static void add_stream_tests(TCase *tc)
{
	tcase_add_loop_test(tc, both_directions_of_every_format, 0, PCAP_NG_SIMPLE + 1);
	tcase_add_test(tc, early_segments_wait_for_the_gap_to_close);
	tcase_add_test(tc, repeated_bytes_come_once);
	tcase_add_test(tc, early_segments_may_overlap);
	tcase_add_test(tc, another_content_in_a_repetition_is_refused);
	tcase_add_test(tc, another_content_in_an_early_segment_is_refused);
	tcase_add_test(tc, sequence_numbers_wrap);
	tcase_add_test(tc, a_gap_that_stays_is_told);
	tcase_add_test(tc, fin_finishes_its_direction);
	tcase_add_test(tc, data_beyond_fin_is_refused);
	tcase_add_loop_test(tc, a_far_sequence_number_is_refused, 0, 2);
	tcase_add_test(tc, acks_and_resets_carry_nothing);
	tcase_add_test(tc, a_repeated_syn_is_the_same_connection);
	tcase_add_test(tc, the_same_ports_again_are_another_connection);
	tcase_add_test(tc, connections_are_kept_apart_by_port);
	tcase_add_test(tc, what_has_no_syn_is_passed_over);
	tcase_add_test(tc, other_protocols_are_passed_over);
	tcase_add_loop_test(tc, wrong_checksums_are_counted_and_dropped, 0, 3);
	tcase_add_test(tc, padding_of_short_frames_is_no_data);
	tcase_add_test(tc, the_value_of_a_callback_ends_the_reading);
}

int main(void)
{
	Suite *suite = suite_create("pcap_read");
	TCase *streams = tcase_create("streams");
	TCase *files = tcase_create("files");
	SRunner *runner;
	int failed;

	add_stream_tests(streams);
	tcase_add_loop_test(files, every_cut_is_refused_or_falls_between_frames, 0,
			    PCAP_NG_SIMPLE + 1);
	tcase_add_loop_test(files, a_damaged_file_is_refused_with_a_reason, 0, COUNT(damages));
	tcase_add_test(files, a_missing_file_is_named);
	suite_add_tcase(suite, streams);
	suite_add_tcase(suite, files);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
