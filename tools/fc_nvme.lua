-- SPDX-License-Identifier: BSD-2-Clause
--
-- Wireshark dissector of FC-NVMe: information units (CMND, XFER_RDY, DATA, RSP, ERSP, CONF, NVMe_SR)
-- and link services with their descriptors. Wireshark knows the frames around them, and takes the
-- units, which have FCP's TYPE, for SCSI.
--
--   tshark -X lua_script:fc_nvme.lua -r x.pcapng        wireshark -X lua_script:fc_nvme.lua x.pcapng
--
-- or a copy in the folder of personal Lua plugins (Help, About, Folders).
--
-- It is a post-dissector: Wireshark's own FCP runs first, and frames that are really SCSI stay as they
-- are. What FCP makes of NVMe frames goes away with --disable-protocol fcp. A frame with TYPE 08h is
-- NVMe when the CMND of its exchange was (format FDh, FC id 28h), or when its R_CTL is one that FCP
-- does not have.

local fcnvme = Proto("fcnvme", "FC-NVMe")

-- Header, as Wireshark's FC found it.
local fc_r_ctl = Field.new("fc.r_ctl")
-- Where the frame ends, in what carries it; neither: at the end of the packet.
local crcs = { Field.new("fcoe.crc"), Field.new("fc.crc") }

local CMND, DATA, CONF, XFER_RDY, RSP, ERSP, SR, SR_RSP = 0x06, 0x01, 0x03, 0x05, 0x07, 0x08, 0x09, 0x0a
local LS_REQUEST, LS_RESPONSE, ABTS, BA_ACC, BA_RJT = 0x32, 0x33, 0x81, 0x84, 0x85
local TYPE_BLS, TYPE_FCP, TYPE_NVME = 0x00, 0x08, 0x28
local EX_CTX = 0x800000

local iu_names = {
	[CMND] = "CMND", [DATA] = "DATA", [CONF] = "CONF", [XFER_RDY] = "XFER_RDY", [RSP] = "RSP",
	[ERSP] = "ERSP", [SR] = "NVMe_SR", [SR_RSP] = "NVMe_SR_RSP", [LS_REQUEST] = "LS request",
	[LS_RESPONSE] = "LS response", [ABTS] = "ABTS", [BA_ACC] = "BA_ACC", [BA_RJT] = "BA_RJT",
}
local admin_names = {
	[0x00] = "Delete I/O Submission Queue", [0x01] = "Create I/O Submission Queue", [0x02] = "Get Log Page",
	[0x04] = "Delete I/O Completion Queue", [0x05] = "Create I/O Completion Queue", [0x06] = "Identify",
	[0x08] = "Abort", [0x09] = "Set Features", [0x0a] = "Get Features", [0x0c] = "Asynchronous Event Request",
	[0x0d] = "Namespace Management", [0x10] = "Firmware Commit", [0x11] = "Firmware Image Download",
	[0x14] = "Device Self-test", [0x15] = "Namespace Attachment", [0x18] = "Keep Alive", [0x19] = "Directive Send",
	[0x1a] = "Directive Receive", [0x7f] = "Fabrics", [0x80] = "Format NVM", [0x81] = "Security Send",
	[0x82] = "Security Receive", [0x84] = "Sanitize", [0x86] = "Get LBA Status",
}
local io_names = {
	[0x00] = "Flush", [0x01] = "Write", [0x02] = "Read", [0x04] = "Write Uncorrectable", [0x05] = "Compare",
	[0x08] = "Write Zeroes", [0x09] = "Dataset Management", [0x0c] = "Verify", [0x0d] = "Reservation Register",
	[0x0e] = "Reservation Report", [0x11] = "Reservation Acquire", [0x15] = "Reservation Release", [0x19] = "Copy",
	[0x79] = "Zone Management Send", [0x7a] = "Zone Management Receive", [0x7d] = "Zone Append", [0x7f] = "Fabrics",
}
local fabrics_names = {
	[0x00] = "Property Set", [0x01] = "Connect", [0x04] = "Property Get", [0x05] = "Authentication Send",
	[0x06] = "Authentication Receive", [0x08] = "Disconnect",
}
local ls_names = {
	[1] = "Reject", [2] = "Accept", [3] = "Create Association", [4] = "Create I/O Connection",
	[5] = "Disconnect Association", [6] = "Disconnect Connection",
}
local desc_names = {
	[1] = "Link Service Request Information", [2] = "Reject", [3] = "Create Association Command",
	[4] = "Create I/O Connection Command", [5] = "Disconnect Command", [6] = "Connection Identifier",
	[7] = "Association Identifier",
}
local reject_reasons = {
	[0x01] = "Invalid LS", [0x03] = "Logical error", [0x09] = "Unable to perform", [0x0b] = "Not supported",
	[0x0e] = "In progress", [0x40] = "Invalid association", [0x41] = "Invalid connection",
	[0x42] = "Invalid parameters", [0x43] = "Insufficient resources", [0xff] = "Vendor specific",
}
local reject_explanations = {
	[0x00] = "None", [0x17] = "Invalid OX_ID/RX_ID", [0x29] = "Insufficient resources", [0x2a] = "Unable to supply data",
	[0x2d] = "Invalid payload length", [0x40] = "Invalid ERSP ratio", [0x41] = "Invalid controller id",
	[0x42] = "Invalid queue id", [0x43] = "Invalid SQ size", [0x44] = "Invalid host id", [0x45] = "Invalid host NQN",
	[0x46] = "Invalid subsystem NQN",
}
local ersp_results = { [0] = "Success", [1] = "Invalid field", [3] = "Illegal connection parameters" }
local sr_results = { [0] = "Accepted", [3] = "Logical error", [4] = "Invalid qualifier", [9] = "Unable to perform" }

local f = fcnvme.fields

local function hex(kind, key, name, names)
	f[key] = ProtoField[kind]("fcnvme." .. key, name, base.HEX, names)
end

local function dec(kind, key, name)
	f[key] = ProtoField[kind]("fcnvme." .. key, name, base.DEC)
end

hex("uint8", "iu", "Information unit", iu_names)
f["command_in"] = ProtoField.framenum("fcnvme.command_in", "Command in", base.NONE, frametype.REQUEST)
f["answer_in"] = ProtoField.framenum("fcnvme.answer_in", "Answer in", base.NONE, frametype.RESPONSE)
f["time"] = ProtoField.double("fcnvme.time", "Time since the command (s)")
-- CMND
hex("uint8", "cmnd.format_id", "Format id")
hex("uint8", "cmnd.fc_id", "FC id")
dec("uint16", "cmnd.iu_words", "Length in words")
hex("uint8", "cmnd.category", "Category")
hex("uint8", "cmnd.flags", "Flags")
f["cmnd.flags.write"] = ProtoField.bool("fcnvme.cmnd.flags.write", "Write", 8, nil, 1)
f["cmnd.flags.read"] = ProtoField.bool("fcnvme.cmnd.flags.read", "Read", 8, nil, 2)
f["cmnd.flags.picwp"] = ProtoField.bool("fcnvme.cmnd.flags.picwp", "Protection information", 8, nil, 4)
hex("uint64", "cmnd.conn_id", "Connection id")
dec("uint32", "cmnd.csn", "Command sequence number")
dec("uint32", "cmnd.data_len", "Data length")
-- SQE
hex("uint8", "sqe.admin_opc", "Opcode", admin_names)
hex("uint8", "sqe.io_opc", "Opcode", io_names)
hex("uint8", "sqe.flags", "Flags")
hex("uint16", "sqe.cid", "Command id")
hex("uint32", "sqe.nsid", "Namespace id")
hex("uint8", "sqe.fctype", "Fabrics command", fabrics_names)
hex("uint64", "sqe.sgl.address", "SGL address")
dec("uint32", "sqe.sgl.length", "SGL length")
hex("uint8", "sqe.sgl.type", "SGL type")
for i = 10, 15 do
	hex("uint32", "sqe.cdw" .. i, "Command dword " .. i)
end
dec("uint64", "sqe.slba", "First block")
dec("uint16", "sqe.nlb", "Blocks, less one")
dec("uint16", "sqe.connect.qid", "Queue id")
dec("uint16", "sqe.connect.sqsize", "Queue size, less one")
dec("uint32", "sqe.connect.kato", "Keep alive timeout (ms)")
hex("uint32", "sqe.property.offset", "Property")
hex("uint64", "sqe.property.value", "Value")
-- XFER_RDY, DATA
dec("uint32", "xfer_rdy.offset", "Offset")
dec("uint32", "xfer_rdy.length", "Burst length")
dec("uint32", "data.offset", "Offset")
dec("uint32", "data.length", "Length")
-- ERSP
hex("uint8", "ersp.result", "Result", ersp_results)
dec("uint16", "ersp.iu_words", "Length in words")
dec("uint32", "ersp.rsn", "Response sequence number")
dec("uint32", "ersp.xfrd_len", "Transferred length")
hex("uint32", "cqe.dw0", "Dword 0")
hex("uint32", "cqe.dw1", "Dword 1")
dec("uint16", "cqe.sqhd", "Submission queue head")
dec("uint16", "cqe.sqid", "Submission queue id")
hex("uint16", "cqe.cid", "Command id")
hex("uint16", "cqe.status", "Status")
f["cqe.status.sc"] = ProtoField.uint16("fcnvme.cqe.status.sc", "Status code", base.HEX, nil, 0x01fe)
f["cqe.status.sct"] = ProtoField.uint16("fcnvme.cqe.status.sct", "Status code type", base.HEX, nil, 0x0e00)
f["cqe.status.more"] = ProtoField.bool("fcnvme.cqe.status.more", "More", 16, nil, 0x4000)
f["cqe.status.dnr"] = ProtoField.bool("fcnvme.cqe.status.dnr", "Do not retry", 16, nil, 0x8000)
-- NVMe_SR
hex("uint8", "sr.fc_id", "FC id")
hex("uint8", "sr.opcode", "Opcode")
hex("uint8", "sr.r_ctl", "Information unit to repeat", iu_names)
hex("uint8", "sr.status", "Status", sr_results)
-- link services
hex("uint8", "ls.command", "Link service", ls_names)
dec("uint32", "ls.list_len", "Length of the descriptors")
hex("uint32", "ls.desc.tag", "Descriptor", desc_names)
dec("uint32", "ls.desc.len", "Length")
hex("uint8", "ls.request", "Request", ls_names)
hex("uint8", "ls.reason", "Reason", reject_reasons)
hex("uint8", "ls.explanation", "Explanation", reject_explanations)
hex("uint8", "ls.vendor", "Vendor unique")
dec("uint16", "ls.ersp_ratio", "ERSP ratio")
hex("uint16", "ls.cntlid", "Controller id")
dec("uint16", "ls.qid", "Queue id")
dec("uint16", "ls.sqsize", "Queue size, less one")
f["ls.hostid"] = ProtoField.bytes("fcnvme.ls.hostid", "Host id")
f["ls.hostnqn"] = ProtoField.string("fcnvme.ls.hostnqn", "Host NQN")
f["ls.subnqn"] = ProtoField.string("fcnvme.ls.subnqn", "Subsystem NQN")
hex("uint64", "ls.conn_id", "Connection id")
hex("uint64", "ls.assoc_id", "Association id")

local short = ProtoExpert.new("fcnvme.short", "Shorter than it must be", expert.group.MALFORMED, expert.severity.ERROR)
local odd = ProtoExpert.new("fcnvme.odd", "Not what the standard says", expert.group.PROTOCOL, expert.severity.WARN)
fcnvme.experts = { short, odd }

-- What was learnt in the first pass: exchanges by both addresses and OX_ID, then of each frame; queue
-- ids of connections.
local exchanges, of_frame, queues

function fcnvme.init()
	exchanges, of_frame, queues = {}, {}, {}
end

-- Adds the big-endian fields of a list: { key, offset, length }.
local function add_all(tree, range, list)
	for _, item in ipairs(list) do
		tree:add(f[item[1]], range(item[2], item[3]))
	end
end

local function add_all_le(tree, range, list)
	for _, item in ipairs(list) do
		tree:add_le(f[item[1]], range(item[2], item[3]))
	end
end

-- False, and said so, when the payload is shorter than n.
local function at_least(tree, payload, n)
	if payload:len() >= n then
		return true
	end
	tree:add_proto_expert_info(short, string.format("%d bytes, at least %d", payload:len(), n))
	return false
end

-- --- commands ---------------------------------------------------------------------------------------

local function add_fabrics(tree, sqe, kind)
	tree:add(f["sqe.fctype"], sqe(4, 1))
	if kind == 0x01 then
		add_all_le(tree, sqe, { { "sqe.connect.qid", 42, 2 }, { "sqe.connect.sqsize", 44, 2 }, { "sqe.connect.kato", 48, 4 } })
	elseif kind == 0x00 then
		add_all_le(tree, sqe, { { "sqe.property.offset", 44, 4 }, { "sqe.property.value", 48, 8 } })
	elseif kind == 0x04 then
		add_all_le(tree, sqe, { { "sqe.property.offset", 44, 4 } })
	end
end

local function add_sqe(tree, sqe, admin)
	local opcode, name = sqe(0, 1):uint()
	local names = admin and admin_names or io_names
	local sub = tree:add(sqe, "Submission queue entry")

	sub:add(f[admin and "sqe.admin_opc" or "sqe.io_opc"], sqe(0, 1))
	sub:add(f["sqe.flags"], sqe(1, 1))
	sub:add_le(f["sqe.cid"], sqe(2, 2))
	if opcode == 0x7f then
		local kind = sqe(4, 1):uint()

		name = fabrics_names[kind] or string.format("Fabrics %02xh", kind)
		add_fabrics(sub, sqe, kind)
	else
		name = names[opcode] or string.format("opcode %02xh", opcode)
		sub:add_le(f["sqe.nsid"], sqe(4, 4))
		if not admin and (opcode <= 0x05 and opcode ~= 0 or opcode == 0x08 or opcode == 0x0c) then
			add_all_le(sub, sqe, { { "sqe.slba", 40, 8 }, { "sqe.nlb", 48, 2 } })
		end
	end
	add_all_le(sub, sqe, { { "sqe.sgl.address", 24, 8 }, { "sqe.sgl.length", 32, 4 }, { "sqe.sgl.type", 39, 1 } })
	for i = 10, 15 do
		sub:add_le(f["sqe.cdw" .. i], sqe(i * 4, 4))
	end
	sub:append_text(": " .. name)
	return name
end

local function is_cmnd(payload)
	return payload:len() >= 2 and payload(0, 2):uint() == 0xfd28
end

-- One nibble says admin or not: it needs no connection that was seen being made.
local function is_admin(payload)
	return payload:len() >= 7 and bit.band(payload(6, 1):uint(), 0x0f) == 0x01
end

local function queue_of(payload)
	local qid = payload:len() >= 16 and queues[tostring(payload(8, 8):uint64())]

	return qid and string.format(" queue %d", qid) or ""
end

local function add_cmnd(tree, payload)
	if not at_least(tree, payload, 96) then
		return "CMND"
	end
	add_all(tree, payload, { { "cmnd.format_id", 0, 1 }, { "cmnd.fc_id", 1, 1 }, { "cmnd.iu_words", 2, 2 }, { "cmnd.category", 6, 1 } })
	local flags = tree:add(f["cmnd.flags"], payload(7, 1))

	add_all(flags, payload, { { "cmnd.flags.picwp", 7, 1 }, { "cmnd.flags.read", 7, 1 }, { "cmnd.flags.write", 7, 1 } })
	add_all(tree, payload, { { "cmnd.conn_id", 8, 8 }, { "cmnd.csn", 16, 4 }, { "cmnd.data_len", 20, 4 } })
	if payload(2, 2):uint() ~= 24 then
		tree:add_proto_expert_info(odd, "The length is not 24 words")
	end
	local name = add_sqe(tree, payload(24, 64), is_admin(payload))

	return string.format("%s%s, CSN %d, %d bytes", name, queue_of(payload), payload(16, 4):uint(), payload(20, 4):uint())
end

-- --- what follows a command -------------------------------------------------------------------------

local function add_xfer_rdy(tree, payload)
	if not at_least(tree, payload, 12) then
		return "XFER_RDY"
	end
	add_all(tree, payload, { { "xfer_rdy.offset", 0, 4 }, { "xfer_rdy.length", 4, 4 } })
	return string.format("XFER_RDY %d bytes at %d", payload(4, 4):uint(), payload(0, 4):uint())
end

local function add_data(tree, payload, header)
	local offset, length = header(20, 4):uint(), payload:len()

	tree:add(f["data.offset"], header(20, 4))
	tree:add(f["data.length"], length):set_generated()
	return string.format("DATA %d bytes at %d", length, offset)
end

local function add_rsp(tree, payload)
	if payload:len() ~= 0 and payload:len() ~= 12 then
		tree:add_proto_expert_info(odd, "Neither empty nor 12 bytes")
	end
	return "RSP"
end

local function add_cqe(tree, cqe)
	local sub = tree:add(cqe, "Completion queue entry")
	local status = cqe(14, 2):le_uint()

	add_all_le(sub, cqe, { { "cqe.dw0", 0, 4 }, { "cqe.dw1", 4, 4 }, { "cqe.sqhd", 8, 2 }, { "cqe.sqid", 10, 2 }, { "cqe.cid", 12, 2 } })
	local bits = sub:add_le(f["cqe.status"], cqe(14, 2))

	add_all_le(bits, cqe, { { "cqe.status.dnr", 14, 2 }, { "cqe.status.more", 14, 2 }, { "cqe.status.sct", 14, 2 }, { "cqe.status.sc", 14, 2 } })
	return bit.rshift(status, 1)
end

local function add_ersp(tree, payload)
	if not at_least(tree, payload, 32) then
		return "ERSP"
	end
	add_all(tree, payload, { { "ersp.result", 0, 1 }, { "ersp.iu_words", 2, 2 }, { "ersp.rsn", 4, 4 }, { "ersp.xfrd_len", 8, 4 } })
	local status = add_cqe(tree, payload(16, 16))
	local result = payload(0, 1):uint()
	local text = string.format("ERSP %d bytes, RSN %d", payload(8, 4):uint(), payload(4, 4):uint())

	if result ~= 0 then
		text = text .. ", " .. (ersp_results[result] or string.format("result %02xh", result))
	end
	return status ~= 0 and string.format("%s, status %04xh", text, status) or text
end

local function add_sr(tree, payload, r_ctl)
	if not at_least(tree, payload, 4) then
		return iu_names[r_ctl]
	end
	add_all(tree, payload, { { "sr.fc_id", 0, 1 }, { "sr.opcode", 1, 1 }, { r_ctl == SR and "sr.r_ctl" or "sr.status", 3, 1 } })
	return iu_names[r_ctl]
end

-- --- link services ----------------------------------------------------------------------------------

local desc_fields = {
	[1] = { { "ls.request", 8, 1 } },
	[2] = { { "ls.reason", 9, 1 }, { "ls.explanation", 10, 1 }, { "ls.vendor", 11, 1 } },
	[3] = {
		{ "ls.ersp_ratio", 8, 2 }, { "ls.cntlid", 48, 2 }, { "ls.sqsize", 50, 2 }, { "ls.hostid", 56, 16 },
		{ "ls.hostnqn", 72, 256 }, { "ls.subnqn", 328, 256 },
	},
	[4] = { { "ls.ersp_ratio", 8, 2 }, { "ls.qid", 48, 2 }, { "ls.sqsize", 50, 2 } },
	[5] = {},
	[6] = { { "ls.conn_id", 8, 8 } },
	[7] = { { "ls.assoc_id", 8, 8 } },
}

-- Calls each(tag, descriptor) for the whole descriptors; false when they do not fill the list.
local function walk(payload, each)
	local at, size = 8, payload:len()

	if size < 8 or payload(4, 4):uint() ~= size - 8 then
		return false
	end
	while size - at >= 8 do
		local length = payload(at + 4, 4):uint()

		if length > size - at - 8 then
			return false
		end
		each(payload(at, 4):uint(), payload(at, 8 + length))
		at = at + 8 + length
	end
	return at == size
end

local function add_descriptor(tree, tag, desc)
	local sub = tree:add(desc, desc_names[tag] or string.format("Descriptor %d", tag))

	sub:add(f["ls.desc.tag"], desc(0, 4))
	sub:add(f["ls.desc.len"], desc(4, 4))
	for _, item in ipairs(desc_fields[tag] or {}) do
		if item[2] + item[3] <= desc:len() then
			if item[1] == "ls.hostnqn" or item[1] == "ls.subnqn" then
				sub:add(f[item[1]], desc(item[2], item[3]), desc(item[2], item[3]):stringz())
			else
				sub:add(f[item[1]], desc(item[2], item[3]))
			end
		else
			sub:add_proto_expert_info(short)
			break
		end
	end
end

-- The queue id that a Create asks for goes with the connection id that its Accept brings.
local function learn_queue(exchange, payload, response)
	walk(payload, function(tag, desc)
		if not response and tag == 3 then
			exchange.qid = 0
		elseif not response and tag == 4 and desc:len() >= 50 then
			exchange.qid = desc(48, 2):uint()
		elseif response and tag == 6 and exchange.qid and desc:len() >= 16 then
			queues[tostring(desc(8, 8):uint64())] = exchange.qid
		end
	end)
end

local function add_ls(tree, payload)
	local text, detail = "LS", ""

	if not at_least(tree, payload, 8) then
		return text
	end
	local command = payload(0, 1):uint()

	tree:add(f["ls.command"], payload(0, 1))
	tree:add(f["ls.list_len"], payload(4, 4))
	text = ls_names[command] or string.format("LS %02xh", command)
	local whole = walk(payload, function(tag, desc)
		add_descriptor(tree, tag, desc)
		if tag == 1 and desc:len() >= 9 then
			local asked = desc(8, 1):uint()

			detail = detail .. " of " .. (ls_names[asked] or string.format("%02xh", asked))
		elseif tag == 2 and desc:len() >= 11 then
			local reason = desc(9, 1):uint()

			detail = detail .. ": " .. (reject_reasons[reason] or string.format("%02xh", reason))
		elseif tag == 4 and desc:len() >= 50 then
			detail = detail .. string.format(" queue %d", desc(48, 2):uint())
		end
	end)

	if not whole then
		tree:add_proto_expert_info(odd, "The descriptors do not fill the list")
	end
	return text .. detail
end

-- --- frames -----------------------------------------------------------------------------------------

local function frame_end(tvb)
	for _, crc in ipairs(crcs) do
		local field = crc()

		if field then
			return field.offset
		end
	end
	return tvb:len()
end

-- Header and payload: optional headers and fill cut off. Nil: none, or too short.
local function parts()
	local field = fc_r_ctl()
	local tvb = field and field.source

	if not tvb then
		return nil
	end
	local whole = frame_end(tvb) - field.offset

	if whole < 24 or whole > tvb:len() - field.offset then
		return nil
	end
	local header = tvb(field.offset, 24)
	local df_ctl = header(13, 1):uint()
	local skip = 24 + (bit.band(df_ctl, 0x40) ~= 0 and 8 or 0) + (bit.band(df_ctl, 0x20) ~= 0 and 16 or 0) +
		({ [0] = 0, 16, 32, 64 })[bit.band(df_ctl, 3)]
	local size = whole - skip - bit.band(header(9, 3):uint(), 3)

	if size < 0 then
		return nil
	end
	return header, size > 0 and tvb(field.offset + skip, size) or tvb(field.offset + 24, 0)
end

-- Originator, responder, OX_ID.
local function exchange_key(header)
	local d_id, s_id = header(1, 3):uint(), header(5, 3):uint()

	if bit.band(header(9, 3):uint(), EX_CTX) ~= 0 then
		d_id, s_id = s_id, d_id
	end
	return string.format("%06x.%06x.%04x", s_id, d_id, header(16, 2):uint())
end

-- First pass: which exchange is the frame's.
local function learn(pinfo, header, payload)
	local r_ctl, kind, key = header(0, 1):uint(), header(8, 1):uint(), exchange_key(header)

	if kind == TYPE_FCP and r_ctl == CMND or kind == TYPE_NVME and r_ctl == LS_REQUEST then
		exchanges[key] = nil
		if kind == TYPE_NVME or is_cmnd(payload) then
			exchanges[key] = { first = pinfo.number, at = pinfo.abs_ts }
		end
	end
	local exchange = exchanges[key]

	of_frame[pinfo.number] = exchange
	if not exchange then
		return
	end
	if kind == TYPE_NVME then
		learn_queue(exchange, payload, r_ctl == LS_RESPONSE)
	end
	if r_ctl == RSP or r_ctl == ERSP or r_ctl == LS_RESPONSE then
		exchange.last = pinfo.number
	end
end

local function ours(r_ctl, kind, exchange, payload)
	if kind == TYPE_NVME then
		return r_ctl == LS_REQUEST or r_ctl == LS_RESPONSE
	elseif kind == TYPE_BLS then
		return exchange and (r_ctl == ABTS or r_ctl == BA_ACC or r_ctl == BA_RJT)
	elseif kind ~= TYPE_FCP then
		return false
	elseif r_ctl == CMND then
		return is_cmnd(payload)
	end
	return exchange and iu_names[r_ctl] or r_ctl >= ERSP and r_ctl <= SR_RSP
end

local adders = {
	[CMND] = add_cmnd, [DATA] = add_data, [XFER_RDY] = add_xfer_rdy, [RSP] = add_rsp, [ERSP] = add_ersp,
	[LS_REQUEST] = add_ls, [LS_RESPONSE] = add_ls,
	[SR] = function(tree, payload) return add_sr(tree, payload, SR) end,
	[SR_RSP] = function(tree, payload) return add_sr(tree, payload, SR_RSP) end,
}

local function add_links(tree, pinfo, exchange)
	if exchange.first == pinfo.number then
		if exchange.last then
			tree:add(f["answer_in"], exchange.last):set_generated()
		end
		return
	end
	tree:add(f["command_in"], exchange.first):set_generated()
	tree:add(f["time"], pinfo.abs_ts - exchange.at):set_generated()
end

function fcnvme.dissector(_, pinfo, tree)
	local header, payload = parts()

	if not header then
		return
	end
	if not pinfo.visited then
		learn(pinfo, header, payload)
	end
	local r_ctl, kind, exchange = header(0, 1):uint(), header(8, 1):uint(), of_frame[pinfo.number]

	if not ours(r_ctl, kind, exchange, payload) then
		return
	end
	local sub = tree:add(fcnvme, payload:len() > 0 and payload or header)
	local add = adders[r_ctl]

	sub:add(f["iu"], header(0, 1))
	local text = add and add(sub, payload, header) or iu_names[r_ctl]

	if exchange then
		add_links(sub, pinfo, exchange)
	end
	sub:append_text(": " .. text)
	pinfo.cols.protocol = "FC-NVMe"
	pinfo.cols.info:clear_fence()
	pinfo.cols.info = text
end

register_postdissector(fcnvme)
