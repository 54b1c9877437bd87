/* SPDX-License-Identifier: BSD-2-Clause */
/* Configurations of weft target: what is read, and what each fault is called. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "target_config.h"

#define P "\"ports\":[{\"portid\":1,\"addr\":{\"trtype\":\"tcp\",\"trsvcid\":\"4420\"}}]"
#define NQN "nqn.2026-11.org.weft:a"

static struct target_config c;
static char err[512], notes[2048];

static void on_note(void *arg, const char *line)
{
	ck_assert_ptr_eq(arg, notes);
	strncat(notes, line, sizeof(notes) - strlen(notes) - 2);
	strcat(notes, "\n");
}

static int parse_n(const char *text, size_t n)
{
	int rc;

	notes[0] = '\0';
	strcpy(err, "unset");
	rc = target_config_parse("f.json", text, n, &c, on_note, notes, err, sizeof(err));
	if (!rc)
		ck_assert_str_eq(err, "unset");
	return rc;
}

static int parse(const char *text)
{
	return parse_n(text, strlen(text));
}

/* As nvmetcli 0.8 saves it, with an adapter put in. */
static const char saved[] =
	"{\n"
	"  \"adapter\": { \"device\": \"vfio-user:/run/weft\", \"ip\": \"10.0.0.1/16\",\n"
	"    \"gateway\": \"10.0.0.254\", \"mtu\": 9000, \"mac\": \"02:00:00:00:00:01\" },\n"
	"  \"hosts\": [ { \"nqn\": \"nqn.2014-08.org.example:h1\" },\n"
	"    { \"nqn\": "
	"\"nqn.2014-08.org.nvmexpress:uuid:11111111-2222-3333-4444-555555555555\" } ],\n"
	"  \"ports\": [ { \"addr\": { \"adrfam\": \"ipv4\", \"traddr\": \"10.0.0.1\",\n"
	"      \"treq\": \"not specified\", \"trsvcid\": \"4420\", \"trtype\": \"tcp\",\n"
	"      \"tsas\": \"none\" },\n"
	"    \"ana_groups\": [ { \"ana\": { \"state\": \"optimized\" }, \"grpid\": 1 } ],\n"
	"    \"param\": { \"inline_data_size\": \"16384\", \"pi_enable\": \"0\" },\n"
	"    \"portid\": 1, \"referrals\": [], \"subsystems\": [ \"nqn.2026-11.org.weft:a\" ] },\n"
	"    { \"addr\": { \"trtype\": \"tcp\", \"trsvcid\": 8009 }, \"portid\": \"2\",\n"
	"      \"param\": { \"queue_size\": 128, \"no_data_digest\": true } } ],\n"
	"  \"subsystems\": [ { \"allowed_hosts\": [ \"nqn.2014-08.org.example:h1\" ],\n"
	"    \"attr\": { \"allow_any_host\": \"0\", \"cntlid_max\": \"65519\",\n"
	"      \"cntlid_min\": \"1\", \"ieee_oui\": \"0x000000\", \"model\": \"Linux\",\n"
	"      \"pi_enable\": \"0\", \"qid_max\": \"128\", \"serial\": \"deadbeef\",\n"
	"      \"version\": \"1.3\" },\n"
	"    \"namespaces\": [ { \"ana\": { \"grpid\": \"1\" }, \"ana_grpid\": 1,\n"
	"      \"device\": { \"nguid\": \"00112233-4455-6677-8899-aabbccddeeff\",\n"
	"        \"path\": \"/srv/disk\", \"uuid\": \"ef90689c-6c46-d44c-89c1-4067801309a8\" },\n"
	"      \"enable\": 1, \"nsid\": 1 },\n"
	"      { \"nsid\": 7, \"enable\": 0, \"device\": { \"ram\": \"64M\" },\n"
	"        \"block_size\": 4096, \"read_only\": true } ],\n"
	"    \"nqn\": \"nqn.2026-11.org.weft:a\" },\n"
	"    { \"nqn\": \"nqn.2026-11.org.weft:b\", \"attr\": { \"allow_any_host\": true,\n"
	"      \"max_transfer\": \"256K\" },\n"
	"      \"namespaces\": [ { \"nsid\": \"2\", \"device\": { \"path\": \"/srv/new\",\n"
	"        \"create\": \"1G\", \"buffered\": 1 } } ] } ]\n"
	"}\n";

START_TEST(what_nvmetcli_saves_is_read)
{
	static const uint8_t nguid[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
					   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
	const struct target_subsys *s;

	ck_assert_msg(!parse(saved), "%s", err);
	ck_assert_str_eq(c.device, "vfio-user:/run/weft");
	ck_assert_uint_eq(c.adapter.ip, 0x0a000001);
	ck_assert_uint_eq(c.adapter.mask, 0xffff0000);
	ck_assert_uint_eq(c.adapter.gateway, 0x0a0000fe);
	ck_assert_uint_eq(c.adapter.mtu, 9000);
	ck_assert_uint_eq(c.adapter.mac[0], 2);
	ck_assert_uint_eq(c.adapter.mac[5], 1);
	ck_assert_uint_eq(c.hosts.count, 2);
	ck_assert_uint_eq(c.n_ports, 2);
	ck_assert_uint_eq(c.ports[0].portid, 1);
	ck_assert_uint_eq(c.ports[0].traddr, 0x0a000001);
	ck_assert_uint_eq(c.ports[0].trsvcid, 4420);
	ck_assert_uint_eq(c.ports[0].icd_size, 16384);
	ck_assert_str_eq(c.ports[0].subsys.name[0], NQN);
	ck_assert_uint_eq(c.ports[1].portid, 2);
	ck_assert_uint_eq(c.ports[1].trsvcid, 8009);
	ck_assert_uint_eq(c.ports[1].traddr, 0);
	ck_assert_uint_eq(c.ports[1].qsize, 128);
	ck_assert(c.ports[1].no_data_digest && !c.ports[1].no_header_digest);
	ck_assert_uint_eq(c.n_subsys, 2);
	s = &c.subsys[0];
	ck_assert_str_eq(s->nqn, NQN);
	ck_assert_str_eq(s->serial, "deadbeef");
	ck_assert_str_eq(s->model, "Linux");
	ck_assert(!s->any_host);
	ck_assert_uint_eq(s->cntlid_max, 0xffef);
	ck_assert_uint_eq(s->max_queues, 128);
	ck_assert_uint_eq(s->allowed.count, 1);
	ck_assert_uint_eq(s->n_ns, 2);
	ck_assert_str_eq(s->ns[0].path, "/srv/disk");
	ck_assert(s->ns[0].enable && !s->ns[0].read_only);
	ck_assert_mem_eq(s->ns[0].nguid, nguid, 16);
	ck_assert_uint_eq(s->ns[0].uuid[15], 0xa8);
	ck_assert_uint_eq(s->ns[1].nsid, 7);
	ck_assert_uint_eq(s->ns[1].ram, 64 << 20);
	ck_assert_uint_eq(s->ns[1].block_size, 4096);
	ck_assert(!s->ns[1].enable && s->ns[1].read_only);
	s = &c.subsys[1];
	ck_assert(s->any_host);
	ck_assert_uint_eq(s->max_transfer, 256 << 10);
	ck_assert_uint_eq(s->ns[0].create, 1ull << 30);
	ck_assert(s->ns[0].enable && s->ns[0].buffered);
	target_config_free(&c);
	ck_assert_uint_eq(c.n_subsys + c.n_ports + c.hosts.count, 0);
}
END_TEST

START_TEST(what_does_not_apply_is_noted)
{
	ck_assert_int_eq(parse(saved), 0);
	ck_assert_ptr_nonnull(strstr(notes, "f.json: ports[0].addr.treq: ignored"));
	ck_assert_ptr_nonnull(strstr(notes, "f.json: ports[0].ana_groups: ignored"));
	ck_assert_ptr_nonnull(strstr(notes, "f.json: subsystems[0].attr.version: ignored"));
	ck_assert_ptr_nonnull(strstr(notes, "f.json: subsystems[0].namespaces[0].ana: ignored"));
	ck_assert_ptr_null(strstr(notes, "serial"));
	target_config_free(&c);
}
END_TEST

/* Every beginning of a file is no file; and none of them leaks or crashes. */
START_TEST(half_a_file_is_none)
{
	size_t n;

	for (n = 0; n < strlen(saved) - 2; n++) {
		ck_assert_int_eq(parse_n(saved, n), -EINVAL);
		ck_assert_msg(strstr(err, "the file ends in the middle") != NULL, "%zu: %s", n,
			      err);
		ck_assert_uint_eq(c.n_subsys, 0);
	}
}
END_TEST

#define SUB(attr) "{" P ",\"subsystems\":[{\"nqn\":\"" NQN "\"," attr "}]}"
#define NS(ns) SUB("\"namespaces\":[{" ns "}]")
#define NS1(rest) NS("\"nsid\":1,\"device\":{\"ram\":4096}," rest)
#define PORT(port) "{\"subsystems\":[{\"nqn\":\"" NQN "\"}],\"ports\":[{" port "}]}"
#define ADDR(addr) PORT("\"portid\":1,\"addr\":{" addr "}")
#define ADAPTER(a) "{\"adapter\":{" a "}," P ",\"subsystems\":[]}"
#define HOSTS(h) "{\"hosts\":[" h "]," P ",\"subsystems\":[]}"

static const struct {
	const char *text;
	const char *error;
} faulty[] = {
	/* JSON */
	{ "{]", "f.json: line 1, column 2: " },
	{ "{\n\"ports\": 1,,}", "f.json: line 2, column 12: " },
	{ "[]", "f.json: must be an object" },
	{ "null ", "f.json: must be an object" },
	{ "{} x", "f.json: line 1, column 4: " },
	{ "{} {}", "f.json: line 1, column 4: " },
	{ "{\n'ports':[]}", "f.json: line 2: strings stand in double quotes" },
	{ "{/**/}", "f.json: line 1, column 2: " },
	{ "{\"ports\":[],\n\"ports\":[],\"subsystems\":[]}",
	  "f.json: line 2: the key \"ports\" is there twice in one object" },
	{ "{\"p\\u006frts\":[],\"ports\":[],\"subsystems\":[]}",
	  "f.json: line 1: the key \"p\\u006frts\": no escapes in keys, please" },
	{ "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
	  "f.json: line 1, column 17: nested too deeply" },
	{ "{\"device\xff\":1}", "f.json: line 1, column 9: invalid utf-8 string" },
	/* the top */
	{ "{}", "f.json: \"ports\" is missing" },
	{ "{" P "}", "f.json: \"subsystems\" is missing" },
	{ "{" P ",\"subsystems\":{}}", "f.json: subsystems: must be an array" },
	{ "{" P ",\"subsystems\":[],\"prots\":[]}", "f.json: unknown key \"prots\"" },
	{ "{\"ports\":null,\"subsystems\":[]}", "f.json: ports: must be an array" },
	/* adapter */
	{ ADAPTER("\"mtu\":500"), "f.json: adapter.mtu: 500 is not in 576 to 9000" },
	{ ADAPTER("\"mtu\":\"9001\""), "f.json: adapter.mtu: 9001 is not in 576 to 9000" },
	{ ADAPTER("\"mtu\":1500.5"), "f.json: adapter.mtu: must be a number" },
	{ ADAPTER("\"mtu\":\"1500 \""), "f.json: adapter.mtu: \"1500 \" is no number" },
	{ ADAPTER("\"mtu\":\"-1\""), "f.json: adapter.mtu: \"-1\" is no number" },
	{ ADAPTER("\"mtu\":-1"), "f.json: adapter.mtu: -1 is not in 576 to 9000" },
	{ ADAPTER("\"mtu\":\"2K\""), "f.json: adapter.mtu: \"2K\" is no number" },
	{ ADAPTER("\"ip\":\"10.0.0\""),
	  "f.json: adapter.ip: \"10.0.0\" is no ADDRESS or ADDRESS/BITS" },
	{ ADAPTER("\"ip\":\"10.0.0.1/33\""),
	  "f.json: adapter.ip: \"10.0.0.1/33\": the network has 1 to 32 bits" },
	{ ADAPTER("\"ip\":\"10.0.0.1/\""),
	  "f.json: adapter.ip: \"10.0.0.1/\": the network has 1 to 32 bits" },
	{ ADAPTER("\"gateway\":1"), "f.json: adapter.gateway: must be a string" },
	{ ADAPTER("\"mac\":\"01:00:00:00:00:00\""),
	  "f.json: adapter.mac: \"01:00:00:00:00:00\" is no MAC address of a station" },
	{ ADAPTER("\"device\":\"\""), "f.json: adapter.device: is empty" },
	{ ADAPTER("\"device\":\"a\\u0000b\""),
	  "f.json: adapter.device: has a NUL character in it" },
	/* hosts */
	{ HOSTS("{}"), "f.json: hosts[0]: \"nqn\" is missing" },
	{ HOSTS("{\"nqn\":\"iqn.2001-04.com.example\"}"),
	  "f.json: hosts[0].nqn: \"iqn.2001-04.com.example\" is no NQN: must begin with "
	  "nqn.yyyy-mm. and go on with a name" },
	{ HOSTS("{\"nqn\":\"nqn.2001-04.\"}"),
	  "f.json: hosts[0].nqn: \"nqn.2001-04.\" is no NQN: must begin with nqn.yyyy-mm. and "
	  "go on with a name" },
	{ HOSTS("{\"nqn\":\"nqn.2001-04.a b\"}"),
	  "f.json: hosts[0].nqn: \"nqn.2001-04.a b\" is no NQN: has blanks or control "
	  "characters in it" },
	{ HOSTS("{\"nqn\":\"nqn.2001-04.a\"},{\"nqn\":\"nqn.2001-04.a\"}"),
	  "f.json: hosts[1]: nqn.2001-04.a is there twice" },
	{ HOSTS("{\"nqn\":\"nqn.2001-04.a\",\"dhchap_key\":\"x\"}"),
	  "f.json: hosts[0].dhchap_key: is not supported" },
	/* ports */
	{ PORT("\"portid\":1"), "f.json: ports[0]: \"addr\" is missing" },
	{ PORT("\"addr\":{\"trtype\":\"tcp\"}"), "f.json: ports[0]: \"portid\" is missing" },
	{ ADDR("\"traddr\":\"10.0.0.1\""), "f.json: ports[0].addr: \"trtype\" is missing" },
	{ ADDR("\"trtype\":\"rdma\""),
	  "f.json: ports[0].addr.trtype: \"rdma\" is not supported, only \"tcp\" and \"fc\"" },
	{ ADDR("\"trtype\":\"tcp\",\"adrfam\":\"ipv6\""),
	  "f.json: ports[0].addr.adrfam: \"ipv6\" is not supported, only \"ipv4\" and \"fc\"" },
	{ ADDR("\"trtype\":\"tcp\",\"traddr\":\"::1\""),
	  "f.json: ports[0].addr.traddr: \"::1\" is no IPv4 address" },
	{ ADDR("\"trtype\":\"tcp\",\"trsvcid\":\"0\""),
	  "f.json: ports[0].addr.trsvcid: 0 is not in 1 to 65535" },
	{ ADDR("\"trtype\":\"tcp\",\"trsvcid\":\"nvme\""),
	  "f.json: ports[0].addr.trsvcid: \"nvme\" is no number" },
	{ PORT("\"portid\":65536,\"addr\":{\"trtype\":\"tcp\"}"),
	  "f.json: ports[0].portid: 65536 is not in 1 to 65535" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"param\":{\"queue_size\":100}"),
	  "f.json: ports[0].param.queue_size: 100 is no power of two" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"param\":{\"max_queue_size\":16}"),
	  "f.json: ports[0].param.max_queue_size: 16 is not in 32 to 1024" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},"
	       "\"param\":{\"inline_data_size\":10000}"),
	  "f.json: ports[0].param.inline_data_size: 10000 is no multiple of 64" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"param\":{\"pi_enable\":\"1\"}"),
	  "f.json: ports[0].param.pi_enable: is not supported; only 0 is possible" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"referrals\":[{}]"),
	  "f.json: ports[0].referrals: referrals are not supported" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"}},"
	       "{\"portid\":1,\"addr\":{\"trtype\":\"tcp\",\"trsvcid\":2}"),
	  "f.json: ports[1]: portid 1 is that of ports[0], too" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"}},"
	       "{\"portid\":2,\"addr\":{\"trtype\":\"tcp\"}"),
	  "f.json: ports[1]: trsvcid 4420 is that of ports[0], too" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"subsystems\":[\"nqn.2026-11.x\"]"),
	  "f.json: ports[0].subsystems[0]: nqn.2026-11.x is not in subsystems" },
	{ PORT("\"portid\":1,\"addr\":{\"trtype\":\"tcp\"},\"subsystems\":[\"" NQN "\",\"" NQN
	       "\"]"),
	  "f.json: ports[0].subsystems[1]: " NQN " is there twice" },
	/* subsystems */
	{ "{" P ",\"subsystems\":[{}]}", "f.json: subsystems[0]: \"nqn\" is missing" },
	{ "{" P ",\"subsystems\":[{\"nqn\":\"" NQN "\"},{\"nqn\":\"" NQN "\"}]}",
	  "f.json: subsystems[1]: " NQN " is that of subsystems[0], too" },
	{ "{" P ",\"subsystems\":[{\"nqn\":\"nqn.2014-08.org.nvmexpress.discovery\"}]}",
	  "f.json: subsystems[0]: nqn.2014-08.org.nvmexpress.discovery is the discovery "
	  "subsystem, which is always there" },
	{ SUB("\"attr\":{\"serial\":\"123456789012345678901\"}"),
	  "f.json: subsystems[0].attr.serial: must have 1 to 20 characters" },
	{ SUB("\"attr\":{\"model\":\"\"}"),
	  "f.json: subsystems[0].attr.model: must have 1 to 40 characters" },
	{ SUB("\"attr\":{\"model\":\"\\u00e9\"}"),
	  "f.json: subsystems[0].attr.model: must be printable ASCII" },
	{ SUB("\"attr\":{\"cntlid_min\":5,\"cntlid_max\":4}"),
	  "f.json: subsystems[0].attr: cntlid_min 5 is greater than cntlid_max 4" },
	{ SUB("\"attr\":{\"cntlid_max\":65520}"),
	  "f.json: subsystems[0].attr.cntlid_max: 65520 is not in 1 to 65519" },
	{ SUB("\"attr\":{\"allow_any_host\":\"yes\"}"),
	  "f.json: subsystems[0].attr.allow_any_host: must be true, false, 1 or 0" },
	{ SUB("\"attr\":{\"allow_any_host\":2}"),
	  "f.json: subsystems[0].attr.allow_any_host: must be true, false, 1 or 0" },
	{ SUB("\"attr\":{\"allow_any_host\":null}"),
	  "f.json: subsystems[0].attr.allow_any_host: must be true, false, 1 or 0" },
	{ SUB("\"attr\":{\"max_transfer\":\"9K\"}"),
	  "f.json: subsystems[0].attr.max_transfer: 9216 is no power of two" },
	{ SUB("\"attr\":{\"max_transfer\":\"4K\"}"),
	  "f.json: subsystems[0].attr.max_transfer: 4K is not in 8192 to 1048576" },
	{ SUB("\"allowed_hosts\":[\"nqn.2014-08.h\"]"),
	  "f.json: subsystems[0].allowed_hosts[0]: nqn.2014-08.h is not in hosts" },
	{ SUB("\"allowed_hosts\":[1]"),
	  "f.json: subsystems[0].allowed_hosts[0]: must be a string" },
	{ SUB("\"colour\":1"), "f.json: subsystems[0]: unknown key \"colour\"" },
	/* namespaces */
	{ NS("\"nsid\":1"), "f.json: subsystems[0].namespaces[0]: \"device\" is missing" },
	{ NS("\"device\":{\"ram\":4096}"),
	  "f.json: subsystems[0].namespaces[0]: \"nsid\" is missing" },
	{ NS("\"nsid\":0,\"device\":{\"ram\":4096}"),
	  "f.json: subsystems[0].namespaces[0].nsid: 0 is not in 1 to 1024" },
	{ NS("\"nsid\":1,\"device\":{}"),
	  "f.json: subsystems[0].namespaces[0].device: one of \"path\", \"ram\" and \"null\" "
	  "must be given" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\",\"ram\":4096}"),
	  "f.json: subsystems[0].namespaces[0].device: one of \"path\", \"ram\" and \"null\" "
	  "must be given" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":4096,\"create\":4096}"),
	  "f.json: subsystems[0].namespaces[0].device: \"create\", \"buffered\" and "
	  "\"synchronous\" go with \"path\" only" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":\"99999999999T\"}"),
	  "f.json: subsystems[0].namespaces[0].device.ram: \"99999999999T\" is no size" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":\"4X\"}"),
	  "f.json: subsystems[0].namespaces[0].device.ram: \"4X\" is no size" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":true}"),
	  "f.json: subsystems[0].namespaces[0].device.ram: must be a size" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":\"18446744073709551615\"}"),
	  "f.json: subsystems[0].namespaces[0].device.ram: 18446744073709551615 is not in 512 "
	  "to 9223372036854775807" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":1000}"),
	  "f.json: subsystems[0].namespaces[0]: a size of 1000 is no multiple of the block "
	  "size, 512" },
	{ NS("\"nsid\":1,\"device\":{\"ram\":4608},\"block_size\":4096"),
	  "f.json: subsystems[0].namespaces[0]: a size of 4608 is no multiple of the block "
	  "size, 4096" },
	{ NS1("\"block_size\":1024"),
	  "f.json: subsystems[0].namespaces[0].block_size: 1024: 512 and 4096 are possible" },
	{ NS1("\"block_size\":65536"),
	  "f.json: subsystems[0].namespaces[0].block_size: 65536 is not in 512 to 4096" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\",\"create\":512},\"read_only\":1"),
	  "f.json: subsystems[0].namespaces[0]: \"create\" and \"read_only\" do not go "
	  "together" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\",\"uuid\":\"123\"}"),
	  "f.json: subsystems[0].namespaces[0].device.uuid: \"123\" is no UUID" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\","
	     "\"uuid\":\"ef90689c-6c46-d44c-89c1-4067801309a8f\"}"),
	  "f.json: subsystems[0].namespaces[0].device.uuid: "
	  "\"ef90689c-6c46-d44c-89c1-4067801309a8f\" is no UUID" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\",\"nguid\":\"g\"}"),
	  "f.json: subsystems[0].namespaces[0].device.nguid: \"g\" is no NGUID (32 hexadecimal "
	  "digits)" },
	{ NS("\"nsid\":1,\"device\":{\"path\":\"/a\",\"eui64\":\"00\"}"),
	  "f.json: subsystems[0].namespaces[0].device.eui64: \"00\" is no EUI-64 (16 "
	  "hexadecimal digits)" },
	{ NS1("\"resv_enable\":1"),
	  "f.json: subsystems[0].namespaces[0].resv_enable: is not supported; only 0 is "
	  "possible" },
	{ SUB("\"namespaces\":[{\"nsid\":3,\"device\":{\"ram\":512}},{\"nsid\":3,\"device\":{"
	      "\"ram\":512}}]"),
	  "f.json: subsystems[0].namespaces[1]: nsid 3 is that of namespaces[0], too" },
	{ SUB("\"namespaces\":[{\"nsid\":3,\"device\":{\"ram\":512,\"eui64\":\"0011223344556677\"}},"
	      "{\"nsid\":4,\"device\":{\"ram\":512,\"eui64\":\"00112233-44556677\"}}]"),
	  "f.json: subsystems[0].namespaces[1]: uuid, nguid or eui64 is that of namespaces[0], "
	  "too" },
	{ SUB("\"namespaces\":[{\"nsid\":3,\"device\":{\"path\":\"/a\"}},"
	      "{\"nsid\":4,\"device\":{\"path\":\"/a\"}}]"),
	  "f.json: subsystems[0].namespaces[1].device.path: /a is that of "
	  "subsystems[0].namespaces[0], too" },
};

START_TEST(faults_are_named)
{
	ck_assert_int_eq(parse(faulty[_i].text), -EINVAL);
	ck_assert_msg(!strncmp(err, faulty[_i].error, strlen(faulty[_i].error)) &&
			      (faulty[_i].error[strlen(faulty[_i].error) - 1] == ' ' ||
			       !strcmp(err, faulty[_i].error)),
		      "said \"%s\",\nnot  \"%s\"", err, faulty[_i].error);
	ck_assert_ptr_null(c.subsys);
	ck_assert_ptr_null(c.ports);
	ck_assert_ptr_null(c.hosts.name);
}
END_TEST

/* One file twice is fine when nobody writes. */
START_TEST(readers_may_share_a_file)
{
	ck_assert_int_eq(
		parse(SUB("\"namespaces\":["
			  "{\"nsid\":3,\"device\":{\"path\":\"/a\"},\"read_only\":true},"
			  "{\"nsid\":4,\"device\":{\"path\":\"/a\"},\"read_only\":true}]")),
		0);
	target_config_free(&c);
}
END_TEST

START_TEST(long_things_are_cut_not_overrun)
{
	size_t n = 300000;
	char *text = malloc(n + 400), *p;

	p = text + sprintf(text, "{" P ",\"subsystems\":[{\"nqn\":\"nqn.2026-11.");
	memset(p, 'x', n);
	strcpy(p + n, "\"}]}");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "subsystems[0].nqn: \"nqn.2026-11.xxx"));
	p = text + sprintf(text, "{\"");
	memset(p, 'y', n);
	strcpy(p + n, "\":1}");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "unknown key \"yyy"));
	p = text + sprintf(text, "{" P ",\"subsystems\":[{\"nqn\":\"" NQN "\",\"namespaces\":["
				 "{\"nsid\":1,\"device\":{\"eui64\":\"");
	memset(p, 'a', n);
	strcpy(p + n, "\"}}]}]}");
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "device.eui64: \"aaa"));
	free(text);
}
END_TEST

/* 223 bytes are a name, 224 are none. */
START_TEST(names_have_223_bytes)
{
	char nqn[300], text[600];

	memset(nqn, 'n', sizeof(nqn));
	memcpy(nqn, "nqn.2026-11.", 12);
	nqn[223] = '\0';
	sprintf(text, "{" P ",\"subsystems\":[{\"nqn\":\"%s\"}]}", nqn);
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(c.subsys[0].nqn, nqn);
	target_config_free(&c);
	strcpy(nqn + 223, "n");
	sprintf(text, "{" P ",\"subsystems\":[{\"nqn\":\"%s\"}]}", nqn);
	ck_assert_int_eq(parse(text), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err, "longer than 223 bytes"));
}
END_TEST

/* As many of everything as are possible, and one more. */
START_TEST(numbers_have_limits)
{
	char *text = malloc(1 << 20), *p;
	unsigned int n, i;

	for (n = 1024; n <= 1025; n++) {
		p = text + sprintf(text, "{" P ",\"subsystems\":[");
		for (i = 0; i < n; i++)
			p += sprintf(p, "%s{\"nqn\":\"nqn.2026-11.%u\"}", i ? "," : "", i);
		strcpy(p, "]}");
		ck_assert_int_eq(parse(text), n == 1024 ? 0 : -EINVAL);
		target_config_free(&c);
	}
	ck_assert_str_eq(err, "f.json: subsystems: 1025 subsystems; at most 1024 are possible");
	for (n = 64; n <= 65; n++) {
		p = text + sprintf(text, "{\"subsystems\":[],\"ports\":[");
		for (i = 0; i < n; i++)
			p += sprintf(p,
				     "%s{\"portid\":%u,\"addr\":{\"trtype\":\"tcp\","
				     "\"trsvcid\":%u}}",
				     i ? "," : "", i + 1, i + 1);
		strcpy(p, "]}");
		ck_assert_int_eq(parse(text), n == 64 ? 0 : -EINVAL);
		target_config_free(&c);
	}
	ck_assert_str_eq(err, "f.json: ports: 65 ports; at most 64 are possible");
	free(text);
}
END_TEST

static int read_file(const char *file)
{
	return target_config_read(file, &c, NULL, NULL, err, sizeof(err));
}

START_TEST(files_are_read)
{
	char file[64], want[256];
	FILE *f;

	ck_assert_int_eq(read_file("/nonexistent/x"), -ENOENT);
	ck_assert_str_eq(err, "/nonexistent/x: No such file or directory");
	ck_assert_int_eq(read_file("/"), -EISDIR);
	ck_assert_str_eq(err, "/: Is a directory");
	ck_assert_int_eq(read_file("/dev/zero"), -EFBIG);
	ck_assert_str_eq(err, "/dev/zero: is greater than 16 MiB");
	ck_assert_int_eq(read_file("/dev/null"), -EINVAL);
	snprintf(file, sizeof(file), "build/tests/unit/tool_target/c.%d", (int)getpid());
	f = fopen(file, "w");
	fputs(saved, f);
	fclose(f);
	ck_assert_int_eq(read_file(file), 0);
	target_config_free(&c);
	f = fopen(file, "w");
	fputs("{", f);
	fclose(f);
	ck_assert_int_eq(read_file(file), -EINVAL);
	snprintf(want, sizeof(want), "%s: line 1, column 2: the file ends in the middle", file);
	ck_assert_str_eq(err, want);
	unlink(file);
}
END_TEST

/* The example of the documentation. */
START_TEST(the_example_is_good)
{
	ck_assert_msg(!read_file("docs/target.json"), "%s", err);
	ck_assert_uint_gt(c.n_subsys, 0);
	target_config_free(&c);
}
END_TEST

#define FC_PORT(addr) "{\"ports\":[{\"portid\":1,\"addr\":{" addr "}}],\"subsystems\":[]}"
#define FC_NAMES "nn-0x20000000000000aB:pn-0x2100000000000001"

START_TEST(an_fc_port_is_read)
{
	ck_assert_int_eq(parse(FC_PORT("\"trtype\":\"fc\",\"adrfam\":\"fc\",\"traddr\":\"" FC_NAMES
				       "\",\"trsvcid\":\"none\"")),
			 0);
	ck_assert(c.ports[0].fc);
	ck_assert_uint_eq(c.ports[0].wwnn, 0x20000000000000abull);
	ck_assert_uint_eq(c.ports[0].wwpn, 0x2100000000000001ull);
	target_config_free(&c);
	ck_assert_int_eq(parse(FC_PORT("\"traddr\":\"" FC_NAMES "\",\"trtype\":\"fc\"")), 0);
	target_config_free(&c);
	ck_assert_int_eq(parse("{\"adapter\":{\"fc\":\"vn2vn\"},\"ports\":[{\"portid\":1,\"addr\":"
			       "{\"trtype\":\"fc\"}},{\"portid\":2,\"addr\":{\"trtype\":\"tcp\"}}],"
			       "\"subsystems\":[]}"),
			 0);
	ck_assert(c.fc_vn2vn && !c.ports[0].wwpn && !c.ports[1].fc);
	target_config_free(&c);
}
END_TEST

static const struct {
	const char *text, *err;
} fc_faults[] = {
	{ FC_PORT("\"trtype\":\"fc\",\"traddr\":\"10.0.0.1\""),
	  "f.json: ports[0].addr: traddr and adrfam are not those of \"fc\"" },
	{ FC_PORT("\"trtype\":\"tcp\",\"traddr\":\"" FC_NAMES "\""),
	  "f.json: ports[0].addr: traddr and adrfam are not those of \"tcp\"" },
	{ FC_PORT("\"trtype\":\"tcp\",\"adrfam\":\"fc\""),
	  "f.json: ports[0].addr: traddr and adrfam are not those of \"tcp\"" },
	{ FC_PORT("\"trtype\":\"tcp\",\"trsvcid\":\"none\""),
	  "f.json: ports[0].addr: \"tcp\" needs a number as trsvcid" },
	{ FC_PORT("\"trtype\":\"fc\",\"traddr\":\"nn-0x1:pn-0x2\""),
	  "f.json: ports[0].addr.traddr: \"nn-0x1:pn-0x2\" is no nn-0x<16 digits>:pn-0x<16 digits>" },
	{ "{\"ports\":[{\"portid\":1,\"addr\":{\"trtype\":\"fc\"}},{\"portid\":2,\"addr\":"
	  "{\"trtype\":\"fc\"}}],\"subsystems\":[]}",
	  "f.json: ports[1]: the adapter's FC port is that of ports[0], too" },
	{ "{\"adapter\":{\"fc\":\"loop\"},\"ports\":[],\"subsystems\":[]}",
	  "f.json: adapter.fc: \"loop\" is not supported, only \"native\" and \"vn2vn\"" },
};

START_TEST(faults_of_fc_ports_are_named)
{
	ck_assert_int_eq(parse(fc_faults[_i].text), -EINVAL);
	ck_assert_str_eq(err, fc_faults[_i].err);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("target configuration");
	TCase *t = tcase_create("config");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_fc_port_is_read);
	tcase_add_loop_test(t, faults_of_fc_ports_are_named, 0,
			    sizeof(fc_faults) / sizeof(fc_faults[0]));
	tcase_add_test(t, what_nvmetcli_saves_is_read);
	tcase_add_test(t, what_does_not_apply_is_noted);
	tcase_add_test(t, half_a_file_is_none);
	tcase_add_loop_test(t, faults_are_named, 0, sizeof(faulty) / sizeof(faulty[0]));
	tcase_add_test(t, readers_may_share_a_file);
	tcase_add_test(t, long_things_are_cut_not_overrun);
	tcase_add_test(t, names_have_223_bytes);
	tcase_add_test(t, numbers_have_limits);
	tcase_add_test(t, files_are_read);
	tcase_add_test(t, the_example_is_good);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
