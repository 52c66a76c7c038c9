import ConformanceKit

/// Calls of the module that are tried at each place of a life: every leaf, with other operands.
enum ModuleVariants {
  /// One call of each leaf, with each operand that it takes.
  static let leaves: [Call] =
    [
      leaf("MNG.CREATE", ["td": "td:1", "page": "page:20", "hkid": "hkid:1"]),
      leaf("MNG.ADDCX", ["td": "td:0", "page": "page:20"]),
      leaf("MNG.INIT", ["td": "td:0", "params": "ok"]),
      leaf("MNG.KEY.CONFIG", ["td": "td:0"]),
      leaf("VP.CREATE", ["td": "td:0", "vcpu": "vcpu:0.1", "page": "page:20"]),
      leaf("VP.ADDCX", ["vcpu": "vcpu:0.0", "page": "page:20"]),
      leaf("MR.EXTEND", ["td": "td:0", "gpa": "gpa:0", "chunk": 0]),
      leaf("PHYMEM.CACHE.WB", ["command": "start"]),
      leaf("PHYMEM.PAGE.RECLAIM", ["page": "page:20"]),
      leaf("PHYMEM.PAGE.RDMD", ["page": "page:20"]),
      leaf("PHYMEM.PAGE.WBINVD", ["page": "page:20", "hkid": "hkid:0"]),
      leaf("GUEST.EXIT", ["reason": "interrupt"]), leaf("GUEST.ACCESS", ["gpa": "gpa:0"]),
      leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": "gpa:0", "level": 0]),
    ]
    + [
      "MNG.VPFLUSHDONE", "MNG.KEY.FREEID", "MEM.TRACK", "MR.FINALIZE", "MNG.RD", "MNG.WR",
    ].map { leaf($0, ["td": "td:0"]) }
    + ["VP.INIT", "VP.FLUSH", "VP.ENTER", "VP.RD", "VP.WR"].map {
      leaf($0, ["vcpu": "vcpu:0.0"])
    }
    + ["SEPT.REMOVE", "SEPT.RD", "PAGE.REMOVE", "PAGE.PROMOTE", "RANGE.BLOCK", "RANGE.UNBLOCK"]
    .map { leaf("MEM.\($0)", ["td": "td:0", "gpa": "gpa:0", "level": 1]) }
    + ["SEPT.ADD", "PAGE.ADD", "PAGE.AUG", "PAGE.RELOCATE", "PAGE.DEMOTE"].map {
      leaf(
        "MEM.\($0)", ["td": "td:0", "gpa": "gpa:0", "level": 0, "page": "page:20"])
    }

  private static func leaf(_ name: String, _ arguments: [String: TestValue]) -> Call {
    ModuleLife.leaf(name, arguments)
  }

  /// No address, or that of a page in each use that lives have.
  private static let addresses: [TestValue] = [
    "page:20", "page:47", "page:46", "page:40", "page:35", "page:33", "page:31", "page:30",
    "page:29", "block:0", "block:1", "block:0+1", "pa:unaligned", "pa:hkid_bits", "pa:outside",
    "pa:null",
  ]

  private static func values(_ argument: String, _ call: Call) -> [TestValue] {
    switch argument {
    case "page": addresses
    case "td" where call.name != "MNG.CREATE": ["td:0", "td:1"] + addresses
    case "vcpu" where call.name != "VP.CREATE": ["vcpu:0.0", "vcpu:0.1"] + addresses
    case "gpa": (0..<7).map { .text("gpa:\($0)") } + ["gpa:shared"]
    case "level": (0..<6).map { .integer($0) }
    case "hkid": ["hkid:0", "hkid:1", "hkid:2", "hkid:module", "hkid:none"]
    case "params":
      ["ok", "one_vcpu", "zero_vcpus", "bad_eptp", "bad_tsc", "bad_xfam", "unaligned"]
    case "command": ["start", "resume", "invalid"]
    case "reason": ["interrupt", "vmcall", "triple_fault", "apic_disabled"]
    case "lp": (0..<4).map { .integer($0) }
    default: []
    }
  }

  /// Operands that a leaf may have besides.
  private static func extras(_ call: Call) -> [(String, TestValue)] {
    let flags: [(String, TestValue)] =
      switch call.name {
      case "MNG.KEY.CONFIG": [("pconfig", "busy"), ("pconfig", "error")]
      case "VP.ENTER":
        [
          ("reserved_bit", true), ("host_recoverability_hint", true),
          ("tsc_adjust_changed", true),
        ]
      case "VP.INIT": [("tsc_adjust_changed", true)]
      case "MR.EXTEND": [("unaligned", true)]
      case "MEM.SEPT.ADD": [("allow_existing", true), ("reserved_flag", true)]
      case "MEM.PAGE.ADD": [("source_unaligned", true)]
      case "PHYMEM.CACHE.WB", "MEM.PAGE.PROMOTE", "MEM.PAGE.DEMOTE":
        [("irq_after", 0), ("irq_after", 1)]
      default: []
      }
    return flags
  }

  /// The calls that differ from one in an operand.
  static func changes(of call: Call) -> [Call] {
    var result: [Call] = []
    for argument in call.arguments.keys.sorted() {
      for value in values(argument, call) where value != call.arguments[argument] {
        var other = call
        other.arguments[argument] = value
        result.append(other)
      }
    }
    for (argument, value) in extras(call) {
      var other = call
      other.arguments[argument] = value
      result.append(other)
    }
    return result
  }
}
