/* SPDX-License-Identifier: BSD-2-Clause */
/* Words: address strings, host names, status names. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../nvmf/fc.h"
#include "host.h"

#define DEFAULT_PORT 4420

static int set_name(char *to, const char *val, const char *key)
{
	if (strlen(val) > NVME_NQN_MAX || strncmp(val, "nqn.", 4))
		return weft_set_error(-EINVAL, "%s \"%s\" is no NVMe qualified name", key, val);
	strcpy(to, val);
	return 0;
}

static int set_word(struct nvme_host_addr *a, const char *key, const char *val)
{
	struct in_addr in;
	char *end;
	long port;

	if (!strcasecmp(key, "trtype")) {
		if (strcasecmp(val, "tcp") && strcasecmp(val, "fc"))
			return weft_set_error(-EINVAL,
					      "trtype \"%s\": only tcp and fc are supported", val);
		a->trtype = strcasecmp(val, "fc") ? NVMF_TRTYPE_TCP : NVMF_TRTYPE_FC;
	} else if (!strcasecmp(key, "adrfam")) {
		if (strcasecmp(val, "ipv4") && strcasecmp(val, "fc"))
			return weft_set_error(-EINVAL,
					      "adrfam \"%s\": only IPv4 and FC are supported", val);
	} else if (!strcasecmp(key, "traddr")) {
		if (!strncasecmp(val, "nn-", 3))
			return nvme_host_fc_parse(val, &a->wwnn, &a->wwpn);
		if (inet_pton(AF_INET, val, &in) != 1)
			return weft_set_error(-EINVAL, "traddr \"%s\" is no IPv4 address", val);
		a->ip = ntohl(in.s_addr);
	} else if (!strcasecmp(key, "trsvcid")) {
		port = strtol(val, &end, 10);
		if (!isdigit((unsigned char)*val) || *end || port < 1 || port > 65535)
			return weft_set_error(-EINVAL, "trsvcid \"%s\" is no TCP port", val);
		a->port = (uint16_t)port;
	} else if (!strcasecmp(key, "subnqn")) {
		return set_name(a->subnqn, val, key);
	} else if (!strcasecmp(key, "hostnqn")) {
		return set_name(a->hostnqn, val, key);
	} else {
		return weft_set_error(-EINVAL, "unknown key \"%s\" in an address", key);
	}
	return 0;
}

static int hex(char c)
{
	return isdigit((unsigned char)c)  ? c - '0' :
	       isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 :
					    -1;
}

/* 16 hexadecimal digits behind 0x. */
static bool fc_name(const char *text, uint64_t *name)
{
	unsigned int i;

	*name = 0;
	if (text[0] != '0' || (text[1] | 32) != 'x')
		return false;
	for (i = 2; i < 18; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
		*name = *name << 4 | (uint64_t)hex(text[i]);
	}
	return *name;
}

int nvme_host_fc_parse(const char *text, uint64_t *wwnn, uint64_t *wwpn)
{
	uint64_t nn, pn;

	if (strlen(text) != FC_NAME_LEN - 1 || strncasecmp(text, "nn-", 3) ||
	    strncasecmp(text + 21, ":pn-", 4) || !fc_name(text + 3, &nn) ||
	    !fc_name(text + 25, &pn))
		return weft_set_error(-EINVAL,
				      "\"%s\" is no name of an FC port, nn-0x<16 hexadecimal "
				      "digits>:pn-0x<16 hexadecimal digits>",
				      text);
	*wwnn = nn;
	*wwpn = pn;
	return 0;
}

bool nvme_host_fc_reachable(struct nvme_fc_local_port *port, uint64_t wwnn, uint64_t wwpn)
{
	struct nvme_fc_remote_port *r = port ? nvme_fc_find_rport(port, wwnn, wwpn) : NULL;

	return r && r->port_state == FC_OBJSTATE_ONLINE;
}

int nvme_host_addr_parse(const char *text, struct nvme_host_addr *addr)
{
	struct nvme_host_addr a = { .trtype = NVMF_TRTYPE_TCP, .port = DEFAULT_PORT };
	char *copy = strdup(text), *word, *save = NULL;
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	for (word = strtok_r(copy, " \t\n", &save); word && !rc;
	     word = strtok_r(NULL, " \t\n", &save)) {
		char *val = strpbrk(word, ":=");

		if (!val || !val[1]) {
			rc = weft_set_error(-EINVAL, "\"%s\" in an address is not key:value", word);
			break;
		}
		*val = '\0';
		rc = set_word(&a, word, val + 1);
	}
	free(copy);
	if (!rc && (a.trtype == NVMF_TRTYPE_FC ? !a.wwpn : !a.ip))
		rc = weft_set_error(-EINVAL, "an address needs a traddr of its transport");
	if (!rc)
		*addr = a;
	return rc;
}

int nvme_host_set_uuid(struct nvme_host_opts *opts, const char *uuid)
{
	uint8_t id[16];
	unsigned int i, n = 0;

	for (i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!uuid[i] || (dash ? uuid[i] != '-' : hex(uuid[i]) < 0))
			return weft_set_error(-EINVAL, "\"%s\" is no UUID", uuid);
		if (dash)
			continue;
		id[n / 2] = (uint8_t)(n % 2 ? id[n / 2] << 4 | hex(uuid[i]) : hex(uuid[i]));
		n++;
	}
	if (uuid[36])
		return weft_set_error(-EINVAL, "\"%s\" is no UUID", uuid);
	memcpy(opts->hostid, id, sizeof(id));
	strcpy(opts->addr.hostnqn, "nqn.2014-08.org.nvmexpress:uuid:");
	strcat(opts->addr.hostnqn, uuid);
	return 0;
}

void nvme_host_opts_init(struct nvme_host_opts *opts)
{
	memset(opts, 0, sizeof(*opts));
	opts->addr.trtype = NVMF_TRTYPE_TCP;
	opts->addr.port = DEFAULT_PORT;
	opts->io_queues = 1;
	opts->io_qsize = 128;
	opts->admin_qsize = 32;
	opts->kato_ms = NVME_HOST_KATO_DEFAULT;
	opts->digest_retries = 5;
	nvme_host_set_uuid(opts, "77656674-0000-4000-8000-000000000001");
}

static const struct {
	uint16_t status;
	const char *text;
} names[] = {
	{ 0x000, "Success" },
	{ 0x001, "Invalid Command Opcode" },
	{ 0x002, "Invalid Field in Command" },
	{ 0x003, "Command ID Conflict" },
	{ 0x004, "Data Transfer Error" },
	{ 0x005, "Aborted - Power Loss" },
	{ 0x006, "Internal Error" },
	{ 0x007, "Command Abort Requested" },
	{ 0x008, "Aborted - SQ Deletion" },
	{ 0x00b, "Invalid Namespace or Format" },
	{ 0x00c, "Command Sequence Error" },
	{ 0x00d, "Invalid SGL Segment Descriptor" },
	{ 0x00f, "Data SGL Length Invalid" },
	{ 0x011, "SGL Descriptor Type Invalid" },
	{ 0x015, "Operation Denied" },
	{ 0x016, "SGL Offset Invalid" },
	{ 0x019, "Keep Alive Timer Expired" },
	{ 0x01a, "Keep Alive Timeout Invalid" },
	{ 0x020, "Namespace is Write Protected" },
	{ 0x021, "Command Interrupted" },
	{ 0x022, "Transient Transport Error" },
	{ 0x080, "LBA Out of Range" },
	{ 0x081, "Capacity Exceeded" },
	{ 0x082, "Namespace Not Ready" },
	{ 0x083, "Reservation Conflict" },
	{ 0x101, "Invalid Queue Identifier" },
	{ 0x102, "Invalid Queue Size" },
	{ 0x103, "Abort Command Limit Exceeded" },
	{ 0x105, "Asynchronous Event Request Limit Exceeded" },
	{ 0x109, "Invalid Log Page" },
	{ 0x180, "Connect Incompatible Format" },
	{ 0x181, "Connect Controller Busy" },
	{ 0x182, "Connect Invalid Parameters" },
	{ 0x183, "Connect Restart Discovery" },
	{ 0x184, "Connect Invalid Host" },
	{ 0x185, "Disconnect Invalid Queue Type" },
	{ 0x190, "Discover Restart" },
	{ 0x191, "Authentication Required" },
	{ 0x280, "Write Fault" },
	{ 0x281, "Unrecovered Read Error" },
	{ 0x282, "Guard Check Error" },
	{ 0x285, "Compare Failure" },
	{ 0x286, "Access Denied" },
	{ 0x287, "Deallocated or Unwritten Logical Block" },
	{ 0x300, "Internal Path Error" },
	{ 0x302, "Asymmetric Access Inaccessible" },
	{ 0x360, "Controller Path Error" },
	{ 0x370, "Host Path Error" },
	{ 0x371, "Command Aborted By Host" },
};

const char *nvme_status_text(uint16_t status)
{
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].status == (status & NVME_STATUS_MASK))
			return names[i].text;
	return "unnamed status";
}

int nvme_result_errno(const struct nvme_result *r)
{
	if (r->error)
		return r->error;
	switch (r->status & NVME_STATUS_MASK) {
	case NVME_SC_SUCCESS:
		return 0;
	case NVME_SC_INVALID_OPCODE:
		return -EOPNOTSUPP;
	case NVME_SC_INVALID_FIELD:
	case NVME_SC_LBA_OUT_OF_RANGE:
		return -EINVAL;
	case NVME_SC_INVALID_NAMESPACE:
		return -ENOENT;
	case NVME_SC_ABORTED_BY_REQUEST:
	case NVME_SC_ABORTED_BY_HOST:
		return -ECANCELED;
	case NVME_SC_TRANSIENT_TRANSPORT_ERROR:
		return -EBADMSG;
	case NVME_SC_COMPARE_FAILURE:
		return -EILSEQ;
	case NVME_SC_HOST_PATH_ERROR:
		return -ECONNRESET;
	default:
		return -EIO;
	}
}
