/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * NVM Express wire structures and constants used by the host library, under the specification's
 * names (Base Specification 2.1, NVM Command Set 1.0, NVMe over Fabrics). Little-endian, as the
 * processors this library runs on.
 */
#ifndef NVME_SPEC_H
#define NVME_SPEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define NVME_ASSERT(cond, text) static_assert(cond, text)
#else
#define NVME_ASSERT(cond, text) _Static_assert(cond, text)
#endif

#define NVME_NQN_MAX 223u /* bytes of a qualified name, without the NUL */
#define NVME_DISCOVERY_NQN "nqn.2014-08.org.nvmexpress.discovery"
#define NVME_NSID_ALL 0xffffffffu
#define NVME_CNTLID_DYNAMIC 0xffffu
#define NVME_CNTLID_MAX 0xffefu /* above: reserved, or with a meaning of their own */

/* Opcodes: Fabrics, admin, NVM command set. */
enum nvme_opcode {
	NVME_OPC_FABRICS = 0x7f,
	NVME_OPC_GET_LOG_PAGE = 0x02,
	NVME_OPC_IDENTIFY = 0x06,
	NVME_OPC_ABORT = 0x08,
	NVME_OPC_SET_FEATURES = 0x09,
	NVME_OPC_GET_FEATURES = 0x0a,
	NVME_OPC_ASYNC_EVENT_REQUEST = 0x0c,
	NVME_OPC_KEEP_ALIVE = 0x18,
	NVME_OPC_FLUSH = 0x00,
	NVME_OPC_WRITE = 0x01,
	NVME_OPC_READ = 0x02,
	NVME_OPC_COMPARE = 0x05,
	NVME_OPC_WRITE_ZEROES = 0x08,
	NVME_OPC_DATASET_MANAGEMENT = 0x09,
	NVME_OPC_VERIFY = 0x0c
};

enum nvme_fctype {
	NVME_FCTYPE_PROPERTY_SET = 0x00,
	NVME_FCTYPE_CONNECT = 0x01,
	NVME_FCTYPE_PROPERTY_GET = 0x04,
	NVME_FCTYPE_AUTH_SEND = 0x05,
	NVME_FCTYPE_AUTH_RECEIVE = 0x06,
	NVME_FCTYPE_DISCONNECT = 0x08
};

/* Properties (offsets) and their fields. */
#define NVME_PROP_CAP 0x00u
#define NVME_PROP_VS 0x08u
#define NVME_PROP_CC 0x14u
#define NVME_PROP_CSTS 0x1cu
#define NVME_CC_EN 0x1u
#define NVME_CC_CSS_LSB 4
#define NVME_CC_SHN_NORMAL 0x4000u
#define NVME_CC_IOSQES_64 (6u << 16)
#define NVME_CC_IOCQES_16 (4u << 20)
#define NVME_CSTS_RDY 0x1u
#define NVME_CSTS_CFS 0x2u
#define NVME_CC_SHN_MASK 0xc000u
#define NVME_CC_CSS_MASK 0x70u
#define NVME_CC_MPS_MASK 0x780u
#define NVME_CC_AMS_MASK 0x3800u
#define NVME_CC_IOSQES_MASK (0xfu << 16)
#define NVME_CC_IOCQES_MASK (0xfu << 20)
#define NVME_CAP_CQR (1ull << 16)
#define NVME_CAP_TO_LSB 24 /* units of 500 ms */
#define NVME_CAP_CSS_NVM (1ull << 37)
#define NVME_CAP_CSS_IOCS (1ull << 43) /* more command sets: Identify tells which */
#define NVME_CSTS_SHST_MASK 0xcu
#define NVME_CSTS_SHST_OCCURRING 0x4u
#define NVME_CSTS_SHST_COMPLETE 0x8u

/* Status: SCT << 8 | SC, with DNR in bit 14. */
#define NVME_STATUS_DNR 0x4000u
#define NVME_STATUS_MASK 0x07ffu
enum nvme_status {
	NVME_SC_SUCCESS = 0x000,
	NVME_SC_INVALID_OPCODE = 0x001,
	NVME_SC_INVALID_FIELD = 0x002,
	NVME_SC_DATA_TRANSFER_ERROR = 0x004,
	NVME_SC_INTERNAL_ERROR = 0x006,
	NVME_SC_ABORTED_BY_REQUEST = 0x007,
	NVME_SC_ABORTED_SQ_DELETION = 0x008,
	NVME_SC_INVALID_NAMESPACE = 0x00b,
	NVME_SC_SEQUENCE_ERROR = 0x00c,
	NVME_SC_SGL_LENGTH_INVALID = 0x00f,
	NVME_SC_SGL_TYPE_INVALID = 0x011,
	NVME_SC_SGL_OFFSET_INVALID = 0x016,
	NVME_SC_NS_WRITE_PROTECTED = 0x020,
	NVME_SC_TRANSIENT_TRANSPORT_ERROR = 0x022,
	NVME_SC_LBA_OUT_OF_RANGE = 0x080,
	NVME_SC_CAPACITY_EXCEEDED = 0x081,
	NVME_SC_INVALID_QUEUE_ID = 0x101,
	NVME_SC_AER_LIMIT_EXCEEDED = 0x105,
	NVME_SC_INVALID_LOG_PAGE = 0x109,
	NVME_SC_FEATURE_NOT_SAVEABLE = 0x10d,
	NVME_SC_FEATURE_NOT_CHANGEABLE = 0x10e,
	NVME_SC_FEATURE_NOT_NS_SPECIFIC = 0x10f,
	NVME_SC_INCOMPATIBLE_FORMAT = 0x180,
	NVME_SC_CONTROLLER_BUSY = 0x181,
	NVME_SC_CONNECT_INVALID_PARAMETERS = 0x182,
	NVME_SC_CONNECT_INVALID_HOST = 0x184,
	NVME_SC_INVALID_QUEUE_TYPE = 0x185,
	NVME_SC_WRITE_FAULT = 0x280,
	NVME_SC_UNRECOVERED_READ = 0x281,
	NVME_SC_COMPARE_FAILURE = 0x285,
	NVME_SC_HOST_PATH_ERROR = 0x370,
	NVME_SC_ABORTED_BY_HOST = 0x371
};

enum nvme_cns {
	NVME_CNS_NAMESPACE = 0x00,
	NVME_CNS_CONTROLLER = 0x01,
	NVME_CNS_ACTIVE_LIST = 0x02,
	NVME_CNS_DESCRIPTORS = 0x03,
	NVME_CNS_CSI_NAMESPACE = 0x05, /* of a command set */
	NVME_CNS_CSI_CONTROLLER = 0x06,
	NVME_CNS_CSI_ACTIVE_LIST = 0x07,
	NVME_CNS_ANY_NAMESPACE = 0x08, /* independent of command sets */
	NVME_CNS_COMMAND_SETS = 0x1c
};

/* Namespace identification descriptors (CNS 03h). */
enum nvme_nidt { NVME_NIDT_EUI64 = 1, NVME_NIDT_NGUID = 2, NVME_NIDT_UUID = 3, NVME_NIDT_CSI = 4 };

enum nvme_lid {
	NVME_LID_ERROR = 0x01,
	NVME_LID_SMART = 0x02,
	NVME_LID_FIRMWARE = 0x03,
	NVME_LID_CHANGED_NS = 0x04,
	NVME_LID_EFFECTS = 0x05,
	NVME_LID_ANA = 0x0c,
	NVME_LID_DISCOVERY = 0x70
};

enum nvme_fid {
	NVME_FID_ARBITRATION = 0x01,
	NVME_FID_POWER_MANAGEMENT = 0x02,
	NVME_FID_TEMPERATURE_THRESHOLD = 0x04,
	NVME_FID_ERROR_RECOVERY = 0x05,
	NVME_FID_VOLATILE_WRITE_CACHE = 0x06,
	NVME_FID_NUMBER_OF_QUEUES = 0x07,
	NVME_FID_WRITE_ATOMICITY = 0x0a,
	NVME_FID_ASYNC_EVENTS = 0x0b,
	NVME_FID_KEEP_ALIVE_TIMER = 0x0f,
	NVME_FID_COMMAND_SET_PROFILE = 0x19,
	NVME_FID_HOST_IDENTIFIER = 0x81
};

/* Asynchronous events: result DW0 (type, information, log page), and bits of feature 0Bh. */
#define NVME_AEN_NS_CHANGED 0x00040002u
#define NVME_AEN_DISCOVERY_CHANGED 0x0070f002u
#define NVME_AEN_CONFIG_NS (1u << 8)
#define NVME_AEN_CONFIG_DISCOVERY (1u << 31)

/* Submission queue entry. On fabrics the transport fills in PSDT (flags 7:6) and SGL1. */
struct nvme_sqe {
	uint8_t opc;
	uint8_t flags;
	uint16_t cid;
	uint32_t nsid; /* Fabrics: FCTYPE in the low byte */
	uint32_t cdw2;
	uint32_t cdw3;
	uint64_t mptr;
	uint8_t sgl1[16];
	uint32_t cdw10;
	uint32_t cdw11;
	uint32_t cdw12;
	uint32_t cdw13;
	uint32_t cdw14;
	uint32_t cdw15;
};
NVME_ASSERT(sizeof(struct nvme_sqe) == 64 && offsetof(struct nvme_sqe, cdw10) == 40, "SQE");

/* Completion queue entry. */
struct nvme_cqe {
	uint32_t dw0;
	uint32_t dw1;
	uint16_t sqhd;
	uint16_t sqid;
	uint16_t cid;
	uint16_t status; /* bit 0 phase, then SC, SCT, CRD, More, DNR */
};
NVME_ASSERT(sizeof(struct nvme_cqe) == 16, "CQE");

/* Data of the Fabrics Connect command. */
struct nvme_connect_data {
	uint8_t hostid[16];
	uint16_t cntlid;
	uint8_t rsvd18[238];
	char subnqn[256];
	char hostnqn[256];
	uint8_t rsvd768[256];
};
NVME_ASSERT(sizeof(struct nvme_connect_data) == 1024 &&
		    offsetof(struct nvme_connect_data, subnqn) == 256,
	    "Connect data");

/* Identify, CNS 01h: fields the library or its tools look at. */
struct nvme_identify_ctrl {
	uint16_t vid;
	uint16_t ssvid;
	char sn[20];
	char mn[40];
	char fr[8];
	uint8_t rab;
	uint8_t ieee[3];
	uint8_t cmic;
	uint8_t mdts; /* 2^n pages of CAP.MPSMIN, 0: no limit */
	uint16_t cntlid;
	uint32_t ver;
	uint32_t rtd3r;
	uint32_t rtd3e;
	uint32_t oaes;
	uint32_t ctratt;
	uint8_t rsvd100[11];
	uint8_t cntrltype; /* 1 I/O, 2 discovery, 3 administrative */
	uint8_t rsvd112[144];
	uint16_t oacs;
	uint8_t acl;
	uint8_t aerl;
	uint8_t frmw;
	uint8_t lpa;
	uint8_t elpe;
	uint8_t npss;
	uint8_t rsvd264[56];
	uint16_t kas;
	uint8_t rsvd322[190];
	uint8_t sqes;
	uint8_t cqes;
	uint16_t maxcmd;
	uint32_t nn;
	uint16_t oncs; /* bit 0 Compare, 2 Dataset Management, 3 Write Zeroes */
	uint16_t fuses;
	uint8_t fna;
	uint8_t vwc;
	uint8_t rsvd526[10];
	uint32_t sgls; /* bit 20: in-capsule data by offset */
	uint32_t mnan;
	uint8_t rsvd544[224];
	char subnqn[256];
	uint8_t rsvd1024[768];
	uint32_t ioccsz; /* 16-byte units */
	uint32_t iorcsz;
	uint16_t icdoff;
	uint8_t fcatt;
	uint8_t msdbd;
	uint16_t ofcs;
	uint8_t rsvd1806[2290];
};
NVME_ASSERT(sizeof(struct nvme_identify_ctrl) == 4096, "Identify Controller");
NVME_ASSERT(offsetof(struct nvme_identify_ctrl, oaes) == 92 &&
		    offsetof(struct nvme_identify_ctrl, cntrltype) == 111 &&
		    offsetof(struct nvme_identify_ctrl, oacs) == 256 &&
		    offsetof(struct nvme_identify_ctrl, kas) == 320 &&
		    offsetof(struct nvme_identify_ctrl, sqes) == 512 &&
		    offsetof(struct nvme_identify_ctrl, vwc) == 525 &&
		    offsetof(struct nvme_identify_ctrl, sgls) == 536 &&
		    offsetof(struct nvme_identify_ctrl, subnqn) == 768 &&
		    offsetof(struct nvme_identify_ctrl, ioccsz) == 1792,
	    "Identify Controller");

/* Format of a logical block. */
struct nvme_lbaf {
	uint16_t ms;   /* metadata bytes */
	uint8_t lbads; /* 2^n bytes */
	uint8_t rp;
};

/* Identify, CNS 00h. */
struct nvme_identify_ns {
	uint64_t nsze; /* logical blocks */
	uint64_t ncap;
	uint64_t nuse;
	uint8_t nsfeat;
	uint8_t nlbaf;
	uint8_t flbas; /* 3:0 format in use */
	uint8_t mc;
	uint8_t dpc;
	uint8_t dps;
	uint8_t nmic;
	uint8_t rescap;
	uint8_t fpi;
	uint8_t dlfeat; /* 2:0 what deallocated blocks read as (1: zeroes), 3 DEAC in Write Zeroes */
	uint8_t rsvd34[14];
	uint8_t nvmcap[16]; /* bytes */
	uint8_t rsvd64[35];
	uint8_t nsattr; /* bit 0: write protected */
	uint8_t rsvd100[4];
	uint8_t nguid[16];
	uint8_t eui64[8];
	struct nvme_lbaf lbaf[64];
	uint8_t rsvd384[3712];
};
NVME_ASSERT(sizeof(struct nvme_identify_ns) == 4096 &&
		    offsetof(struct nvme_identify_ns, dlfeat) == 33 &&
		    offsetof(struct nvme_identify_ns, nsattr) == 99 &&
		    offsetof(struct nvme_identify_ns, nguid) == 104 &&
		    offsetof(struct nvme_identify_ns, lbaf) == 128,
	    "Identify Namespace");

/* Discovery log (70h): header, then NUMREC entries. */
struct nvme_discovery_header {
	uint64_t genctr;
	uint64_t numrec;
	uint16_t recfmt;
	uint8_t rsvd18[1006];
};
NVME_ASSERT(sizeof(struct nvme_discovery_header) == 1024, "discovery log header");

struct nvme_discovery_entry {
	uint8_t trtype;
	uint8_t adrfam;
	uint8_t subtype; /* 1 referral, 2 NVM subsystem, 3 this discovery subsystem */
	uint8_t treq;
	uint16_t portid;
	uint16_t cntlid;
	uint16_t asqsz;
	uint16_t eflags;
	uint8_t rsvd12[20];
	char trsvcid[32];
	uint8_t rsvd64[192];
	char subnqn[256];
	char traddr[256];
	uint8_t tsas[256];
};
NVME_ASSERT(sizeof(struct nvme_discovery_entry) == 1024 &&
		    offsetof(struct nvme_discovery_entry, subnqn) == 256,
	    "discovery entry");

/* Error Information log (01h): newest first. */
struct nvme_error_entry {
	uint64_t count; /* 0: no entry */
	uint16_t sqid;
	uint16_t cid;
	uint16_t status;   /* as in the CQE */
	uint16_t location; /* ffffh: no parameter is at fault */
	uint64_t lba;
	uint32_t nsid;
	uint8_t vendor;
	uint8_t trtype;
	uint8_t rsvd30[34];
};
NVME_ASSERT(sizeof(struct nvme_error_entry) == 64, "error log entry");

/* SMART / Health log (02h). */
struct nvme_smart_log {
	uint8_t critical_warning;
	uint8_t temperature[2]; /* kelvin */
	uint8_t available_spare;
	uint8_t spare_threshold;
	uint8_t percentage_used;
	uint8_t rsvd6[26];
	uint64_t data_units_read[2]; /* 128 bits, low half first; here and below */
	uint64_t data_units_written[2];
	uint64_t host_reads[2];
	uint64_t host_writes[2];
	uint64_t busy_minutes[2];
	uint64_t power_cycles[2];
	uint64_t power_on_hours[2];
	uint64_t unsafe_shutdowns[2];
	uint64_t media_errors[2];
	uint64_t error_log_entries[2];
	uint8_t rsvd192[320];
};
NVME_ASSERT(sizeof(struct nvme_smart_log) == 512 &&
		    offsetof(struct nvme_smart_log, error_log_entries) == 176,
	    "SMART log");

/* Range of Dataset Management. */
struct nvme_dsm_range {
	uint32_t attributes;
	uint32_t blocks;
	uint64_t slba;
};
NVME_ASSERT(sizeof(struct nvme_dsm_range) == 16, "DSM range");
#define NVME_DSM_DEALLOCATE 0x4u

#endif
