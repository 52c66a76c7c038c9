import ConformanceKit

/// Lives in which a vCPU goes from LP to LP, a TD becomes fatal, or pages are many or large.
extension ModuleLife {
  private static func vcpu(_ name: String, lp: Int64 = 0, _ number: Int = 0) -> Call {
    leaf(name, lp: lp, ["vcpu": .text("vcpu:0.\(number)")])
  }

  private static func leaves(lp: Int64 = 0, _ reason: TestValue = "interrupt") -> Call {
    leaf("GUEST.EXIT", lp: lp, ["reason": reason])
  }

  /// Each way to take a vCPU to an LP, after each way to leave one.
  static let moving: [Call] =
    built + [
      on("MNG.RD"), on("MNG.WR"), vcpu("VP.RD"), vcpu("VP.ENTER"), vcpu("VP.RD", lp: 1), leaves(),
      vcpu("VP.ENTER", lp: 2), vcpu("VP.FLUSH"), vcpu("VP.ENTER", lp: 2), leaves(lp: 2),
      vcpu("VP.FLUSH", lp: 2), vcpu("VP.WR", lp: 1), vcpu("VP.RD", lp: 2),
      vcpu("VP.ENTER", lp: 1), leaves(lp: 1, "vmcall"), vcpu("VP.WR", lp: 1),
      vcpu("VP.FLUSH", lp: 1), vcpu("VP.RD", lp: 3), vcpu("VP.ENTER", lp: 3),
      leaves(lp: 3, "triple_fault"), vcpu("VP.RD", lp: 3), vcpu("VP.WR", lp: 3),
      vcpu("VP.FLUSH", lp: 3), vcpu("VP.RD"), vcpu("VP.FLUSH"),
    ] + torn(vcpus: [40])

  /// A TD that nothing may touch any more, with a second vCPU that was never made ready.
  static let fatal: [Call] =
    start + vcpu(0, first: 40) + [
      leaf("VP.CREATE", ["td": "td:0", "vcpu": "vcpu:0.1", "page": page(26)]),
      leaf("VP.ADDCX", ["vcpu": "vcpu:0.1", "page": page(25)]),
    ] + tables + [
      entry("MEM.PAGE.ADD", 0, 0, page(30)), on("MR.FINALIZE"),
      entry("MEM.PAGE.AUG", 1, 0, page(29)), entry("MEM.RANGE.BLOCK", 1, 0), vcpu("VP.ENTER"),
      leaves(lp: 0, "apic_disabled"), on("MEM.TRACK"), entry("MEM.PAGE.REMOVE", 1, 0),
      vcpu("VP.FLUSH"),
    ] + torn(vcpus: [40, 26])

  /// More pages than any count of calls that may be lost.
  static let manyPages: [Call] = {
    let all: [(Int, TestValue)] = [
      (0, page(30)), (1, page(29)), (2, page(28)), (3, page(27)), (4, page(24)), (5, page(23)),
    ]
    let added =
      start + vcpu(0, first: 40) + tables + [entry("MEM.SEPT.ADD", 4, 1, page(22))]
      + all.prefix(5).map { entry("MEM.PAGE.ADD", $0.0, 0, $0.1) }
      + (0..<5).map { leaf("MR.EXTEND", ["td": "td:0", "gpa": .text("gpa:\($0)"), "chunk": 0]) }
      + [on("MR.FINALIZE")]
    let removed = all.prefix(5).flatMap {
      [entry("MEM.RANGE.BLOCK", $0.0, 0), on("MEM.TRACK"), entry("MEM.PAGE.REMOVE", $0.0, 0)]
    }
    let augmented = all.map { entry("MEM.PAGE.AUG", $0.0, 0, $0.1) }
    let accepted = all.map {
      leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": .text("gpa:\($0.0)"), "level": 0])
    }
    let blocked = all.map { entry("MEM.RANGE.BLOCK", $0.0, 0, lp: 1) }
    let relocated = zip(all, 10...15).map { entry("MEM.PAGE.RELOCATE", $0.0, 0, page($1)) }
    let unblocked = all.flatMap {
      [entry("MEM.RANGE.BLOCK", $0.0, 0), on("MEM.TRACK"), entry("MEM.RANGE.UNBLOCK", $0.0, 0)]
    }
    return added + removed + augmented + [vcpu("VP.ENTER")] + accepted + blocked
      + [on("MEM.TRACK", lp: 1), leaves()] + relocated + unblocked
  }()

  /// The keys go while a large page is there.
  static let largeEnd: [Call] =
    built + [
      entry("MEM.PAGE.AUG", 4, 1, "block:0"), vcpu("VP.ENTER"),
      leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": "gpa:4", "level": 1]), leaves(), vcpu("VP.FLUSH"),
      on("MNG.VPFLUSHDONE"), leaf("PHYMEM.CACHE.WB", ["command": "start"]),
      leaf("PHYMEM.CACHE.WB", lp: 2, ["command": "start"]), on("MNG.KEY.FREEID"),
    ]
    + ["block:0+1", "block:0", "block:0", "page:30", "page:30"].map {
      leaf("PHYMEM.PAGE.RECLAIM", ["page": $0])
    } + torn(vcpus: [40])
}
