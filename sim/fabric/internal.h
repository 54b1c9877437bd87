/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a fabric.
 *
 *   fabric.c   ports, forwarding, credit     f_port.c F_Port state machine
 *   frame.c    headers, CRC, sequences out   els.c    login server, fabric controller
 *   ns.c       name server: registrations    ct.c     name server: the protocol and queries
 *   rscn.c     state change notifications
 */
#ifndef WEFT_SIM_FABRIC_INTERNAL_H
#define WEFT_SIM_FABRIC_INTERNAL_H

#include "../fc_unit.h"
#include "fabric.h"

#define NO_PORT UINT32_MAX
#define NEVER UINT64_MAX
#define MS 1000000ull

#define FC_HEADER 24
#define FC_DATA_MAX 2112
#define FC_DATA_MIN 256
#define XID_NONE 0xffffu

#define ID_LOGIN 0xfffffeu
#define ID_CONTROLLER 0xfffffdu
#define ID_DIRECTORY 0xfffffcu

#define F_CTL_RESPONDER 0x800000u
#define F_CTL_LAST_SEQ 0x100000u
#define F_CTL_END_SEQ 0x080000u
#define F_CTL_REQUEST 0x290000u /* first sequence, its end, initiative passes */
#define F_CTL_REPLY 0x990000u   /* responder's, last sequence, its end, initiative passes */

#define R_CTL_CT_REQUEST 0x02
#define R_CTL_CT_REPLY 0x03
#define R_CTL_ELS_REQUEST 0x22
#define R_CTL_ELS_REPLY 0x23
#define R_CTL_ABTS 0x81
#define R_CTL_BA_RJT 0x85
#define TYPE_BLS 0x00
#define TYPE_ELS 0x01
#define TYPE_CT 0x20

/* LS_RJT, CT reject: reason and explanation in one. */
#define REJECT(reason, explanation) ((reason) << 8 | (explanation))

struct fabric_hdr {
	uint8_t r_ctl, type, df_ctl, seq_id;
	uint16_t seq_cnt, ox_id, rx_id;
	uint32_t d_id, s_id, f_ctl, param;
};

struct fabric_frame {
	struct fabric_frame *next;
	unsigned int from; /* the port whose buffer it stands in; NO_PORT: none */
	unsigned int epoch;
	uint64_t until_ns;
	size_t len;
	uint8_t bytes[];
};

struct fabric_port {
	unsigned int index;
	uint8_t state, prim;             /* ours, and what comes */
	bool light, up;                  /* up: active, or in a link reset from there */
	uint64_t link_ns;                /* R_T_TOV ends */
	unsigned int credit, credit_max; /* frames the other side takes: now, at most */
	unsigned int held;               /* buffers its own frames stand in */
	unsigned int epoch;              /* of link resets: older frames owe no R_RDY */
	uint64_t starved_ns;             /* a frame waits without credit until then */
	struct fabric_frame *head, **tail;
};

struct fabric_name {
	uint8_t len;
	char text[255];
};

/* What waits to be told to a port that asked for it, one RSCN at a time. */
#define RSCN_PAGES 64
struct fabric_rscn {
	uint32_t pages[RSCN_PAGES];
	unsigned int n, sent; /* the first sent are under way */
	unsigned int tries;
	uint16_t ox_id;
	uint64_t due_ns;
};

/* An N_Port that is logged in, and its object in the name server. */
struct fabric_nport {
	bool used;
	unsigned int port;
	uint32_t id;
	uint64_t wwpn, wwnn;
	uint16_t max_data;
	bool directory; /* PLOGI to the name server */
	uint8_t scr;
	struct fabric_rscn rscn;
	uint8_t types[32];     /* as on the wire */
	uint8_t features[128]; /* four bits a type, as on the wire */
	struct fabric_name port_name, node_name;
};

struct fabric {
	struct fabric_params p;
	fabric_send send;
	void *ctx;
	uint64_t now_ns;
	struct fabric_port ports[FABRIC_PORTS_MAX];
	struct fabric_nport nports[FABRIC_NPORTS_MAX];
	struct fabric_counters counters;
	uint16_t next_xid;
};

/* --- bytes ------------------------------------------------------------------------------------ */

static inline uint32_t get16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t get24(const uint8_t *b)
{
	return (uint32_t)b[0] << 16 | get16(b + 1);
}

static inline uint32_t get32(const uint8_t *b)
{
	return get16(b) << 16 | get16(b + 2);
}

static inline uint64_t get64(const uint8_t *b)
{
	return (uint64_t)get32(b) << 32 | get32(b + 4);
}

static inline void put16(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static inline void put24(uint8_t *b, uint32_t v)
{
	b[0] = (uint8_t)(v >> 16);
	put16(b + 1, v);
}

static inline void put32(uint8_t *b, uint32_t v)
{
	put16(b, v >> 16);
	put16(b + 2, v);
}

static inline void put64(uint8_t *b, uint64_t v)
{
	put32(b, (uint32_t)(v >> 32));
	put32(b + 4, (uint32_t)v);
}

/* --- fabric.c --------------------------------------------------------------------------------- */

/* Takes the frame over. */
void fabric_enqueue(struct fabric *f, struct fabric_port *port, struct fabric_frame *frame);
/* Sends what credit allows. */
void fabric_pump(struct fabric *f, struct fabric_port *port);
void fabric_primitive(struct fabric *f, struct fabric_port *port, uint8_t code, unsigned int count);
/* The N_Port's credit, from its login; 1 before. */
void fabric_set_credit(struct fabric *f, struct fabric_port *port, unsigned int credit);
/* The link went down: frames, logins and all are gone. Or a link reset: buffers are free. */
void fabric_port_down(struct fabric *f, struct fabric_port *port);
void fabric_port_reset(struct fabric *f, struct fabric_port *port);
/* NULL: nobody has it. */
struct fabric_nport *fabric_nport(struct fabric *f, uint32_t id);
/* The one with the lowest address above id; NULL: none. */
struct fabric_nport *fabric_next(struct fabric *f, uint32_t id);

/* --- f_port.c --------------------------------------------------------------------------------- */

void fabric_link_start(struct fabric *f, struct fabric_port *port);
void fabric_link_primitive(struct fabric *f, struct fabric_port *port, uint8_t code);
void fabric_link_reset(struct fabric *f, struct fabric_port *port);
/* A frame needs an active link: the time between reset and idle is not. */
bool fabric_link_active(const struct fabric_port *port);
void fabric_link_poll(struct fabric *f, struct fabric_port *port);

/* --- frame.c ---------------------------------------------------------------------------------- */

/* A whole frame with a right CRC; false: not so. */
bool fabric_frame_good(const uint8_t *unit, size_t len);
void fabric_frame_header(const uint8_t *unit, struct fabric_hdr *h);
/* Cuts a sequence into frames of at most max bytes of payload and puts them out at a port. */
void fabric_frame_sequence(struct fabric *f, struct fabric_port *port, const struct fabric_hdr *h,
			   const uint8_t *payload, size_t len, size_t max);
/* The same as the answer to a frame of an N_Port. */
void fabric_frame_reply(struct fabric *f, const struct fabric_nport *np,
			const struct fabric_hdr *request, uint8_t r_ctl, const uint8_t *payload,
			size_t len);

/* --- services --------------------------------------------------------------------------------- */

/* A single-frame sequence to one of the services. np: the sender; NULL before its login. */
void fabric_els_input(struct fabric *f, struct fabric_port *port, struct fabric_nport *np,
		      const struct fabric_hdr *h, const uint8_t *payload, size_t len);
void fabric_ct_input(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h,
		     const uint8_t *payload, size_t len);
/* Ends an N_Port's login and tells the others. */
void fabric_els_forget(struct fabric *f, struct fabric_nport *np);

/* A request's payload behind the CT header; the answer is appended. 0, or REJECT(). */
struct fabric_reply {
	size_t len;
	uint8_t bytes[16 + FABRIC_NPORTS_MAX * 16 + 1024];
};
uint8_t *fabric_ct_append(struct fabric_reply *reply, size_t len);
unsigned int fabric_ns_register(struct fabric *f, struct fabric_nport *np, unsigned int command,
				const uint8_t *req, size_t len);
bool fabric_ns_has_type(const struct fabric_nport *np, uint8_t type);

/* Something about id changed: the page goes to all that asked for it but id itself. */
#define RSCN_CHANGED 0u /* login, logout, link */
#define RSCN_NAMES 1u   /* its object in the name server */
void fabric_rscn_tell(struct fabric *f, uint32_t page, uint8_t scr_bit, uint32_t but);
uint32_t fabric_rscn_page(unsigned int event, uint32_t id);
void fabric_rscn_answered(struct fabric *f, struct fabric_nport *np, const struct fabric_hdr *h);
void fabric_rscn_poll(struct fabric *f, struct fabric_nport *np);
#define SCR_FABRIC 1
#define SCR_NPORT 2

#endif
