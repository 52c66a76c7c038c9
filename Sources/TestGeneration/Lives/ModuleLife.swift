import ConformanceKit

/// What a host does with TDs, as SEAMCALLs in the words of recordings of the TDX module.
struct ModuleLife {
  let name: String
  let calls: [Call]

  static let all: [ModuleLife] = [
    ModuleLife(name: "small-pages", calls: built + smallPages + torn(vcpus: [40])),
    ModuleLife(name: "large-pages", calls: built + largePages),
    ModuleLife(name: "two-vcpus", calls: twoVCPUs),
    ModuleLife(name: "end", calls: start + end),
    ModuleLife(name: "moving", calls: moving), ModuleLife(name: "fatal", calls: fatal),
    ModuleLife(name: "many-pages", calls: manyPages),
    ModuleLife(name: "large-end", calls: largeEnd),
  ]

  static func leaf(_ name: String, lp: Int64 = 0, _ arguments: [String: TestValue]) -> Call {
    Call(name, arguments.merging(["lp": .integer(lp)]) { $1 })
  }

  static func on(_ name: String, lp: Int64 = 0) -> Call {
    leaf(name, lp: lp, ["td": "td:0"])
  }

  static func page(_ number: Int) -> TestValue { .text("page:\(number)") }

  /// A leaf on an entry.
  static func entry(
    _ name: String, _ gpa: Int, _ level: Int64, lp: Int64 = 0, _ page: TestValue? = nil
  ) -> Call {
    var call = leaf(
      name, lp: lp, ["td": "td:0", "gpa": .text("gpa:\(gpa)"), "level": .integer(level)])
    call.arguments["page"] = page
    return call
  }

  /// A TD with its control pages: TDR 47, TDCX 46 to 41.
  static let start: [Call] =
    [leaf("MNG.CREATE", ["td": "td:0", "page": page(47), "hkid": "hkid:0"])]
    + [on("MNG.KEY.CONFIG"), on("MNG.KEY.CONFIG", lp: 2)]
    + (0..<6).map { leaf("MNG.ADDCX", ["td": "td:0", "page": page(46 - $0)]) }
    + [leaf("MNG.INIT", ["td": "td:0", "params": "ok"])]

  static func vcpu(_ number: Int, first: Int, lp: Int64 = 0) -> [Call] {
    let name = TestValue.text("vcpu:0.\(number)")
    return [leaf("VP.CREATE", ["td": "td:0", "vcpu": name, "page": page(first)])]
      + (1...5).map { leaf("VP.ADDCX", ["vcpu": name, "page": page(first - $0)]) }
      + [leaf("VP.INIT", lp: lp, ["vcpu": name])]
  }

  static let tables: [Call] = [
    entry("MEM.SEPT.ADD", 0, 3, page(33)), entry("MEM.SEPT.ADD", 0, 2, page(32)),
    entry("MEM.SEPT.ADD", 0, 1, page(31)),
  ]

  static let built: [Call] =
    start + vcpu(0, first: 40) + tables + [
      entry("MEM.PAGE.ADD", 0, 0, page(30)),
      leaf("MR.EXTEND", ["td": "td:0", "gpa": "gpa:0", "chunk": 0]), on("MR.FINALIZE"),
    ]

  static let smallPages: [Call] = [
    entry("MEM.PAGE.AUG", 1, 0, page(29)), leaf("VP.ENTER", ["vcpu": "vcpu:0.0"]),
    leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": "gpa:1", "level": 0]),
    leaf("GUEST.ACCESS", ["gpa": "gpa:1"]), entry("MEM.RANGE.BLOCK", 1, 0, lp: 1),
    on("MEM.TRACK", lp: 1), leaf("GUEST.EXIT", ["reason": "interrupt"]),
    entry("MEM.PAGE.RELOCATE", 1, 0, page(28)), entry("MEM.RANGE.BLOCK", 1, 0),
    entry("MEM.RANGE.UNBLOCK", 1, 0), entry("MEM.RANGE.BLOCK", 1, 0), on("MEM.TRACK"),
    entry("MEM.PAGE.REMOVE", 1, 0),
    leaf("PHYMEM.PAGE.WBINVD", ["page": page(28), "hkid": "hkid:0"]),
    entry("MEM.RANGE.BLOCK", 0, 0), on("MEM.TRACK"), entry("MEM.PAGE.REMOVE", 0, 0),
    entry("MEM.RANGE.BLOCK", 0, 1), on("MEM.TRACK"), entry("MEM.SEPT.REMOVE", 0, 1),
    leaf("VP.FLUSH", ["vcpu": "vcpu:0.0"]),
  ]

  static let largePages: [Call] = [
    entry("MEM.SEPT.ADD", 4, 1, page(27)), entry("MEM.RANGE.BLOCK", 4, 1), on("MEM.TRACK"),
    entry("MEM.SEPT.REMOVE", 4, 1), entry("MEM.PAGE.AUG", 4, 1, "block:0"),
    leaf("VP.ENTER", ["vcpu": "vcpu:0.0"]),
    leaf("TDG.MEM.PAGE.ACCEPT", ["gpa": "gpa:4", "level": 1]),
    leaf("GUEST.EXIT", ["reason": "vmcall"]), entry("MEM.RANGE.BLOCK", 4, 1), on("MEM.TRACK"),
    entry("MEM.PAGE.DEMOTE", 4, 1, page(27)), entry("MEM.RANGE.BLOCK", 4, 1), on("MEM.TRACK"),
    entry("MEM.PAGE.PROMOTE", 4, 1), entry("MEM.RANGE.BLOCK", 4, 1), on("MEM.TRACK"),
    entry("MEM.PAGE.REMOVE", 4, 1), entry("MEM.SEPT.RD", 4, 1),
  ]

  static let twoVCPUs: [Call] =
    start + vcpu(0, first: 40) + vcpu(1, first: 26, lp: 2) + tables + [
      on("MR.FINALIZE"), leaf("VP.ENTER", ["vcpu": "vcpu:0.0"]),
      leaf("VP.ENTER", lp: 2, ["vcpu": "vcpu:0.1"]), entry("MEM.PAGE.AUG", 0, 0, lp: 1, page(30)),
      leaf("TDG.MEM.PAGE.ACCEPT", lp: 2, ["gpa": "gpa:0", "level": 0]),
      entry("MEM.RANGE.BLOCK", 0, 0, lp: 1), on("MEM.TRACK", lp: 1), on("MEM.TRACK", lp: 1),
      leaf("GUEST.EXIT", ["reason": "interrupt"]), on("MEM.TRACK", lp: 1),
      leaf("VP.ENTER", ["vcpu": "vcpu:0.0"]), entry("MEM.PAGE.REMOVE", 0, 0, lp: 1),
      leaf("GUEST.EXIT", lp: 2, ["reason": "vmcall"]), on("MEM.TRACK", lp: 1),
      entry("MEM.PAGE.REMOVE", 0, 0, lp: 1), leaf("GUEST.EXIT", ["reason": "triple_fault"]),
      leaf("VP.FLUSH", ["vcpu": "vcpu:0.0"]), leaf("VP.FLUSH", lp: 2, ["vcpu": "vcpu:0.1"]),
    ] + torn(vcpus: [40, 26])

  static let end: [Call] =
    [
      leaf("MNG.CREATE", ["td": "td:1", "page": page(20), "hkid": "hkid:1"]),
      on("MNG.VPFLUSHDONE"), leaf("PHYMEM.CACHE.WB", ["command": "start", "irq_after": 1]),
      leaf("PHYMEM.CACHE.WB", ["command": "resume"]),
      leaf("PHYMEM.CACHE.WB", lp: 2, ["command": "start"]), on("MNG.KEY.FREEID"),
    ] + (41...47).map { leaf("PHYMEM.PAGE.RECLAIM", ["page": page($0)]) }
    + [leaf("MNG.CREATE", ["td": "td:0", "page": page(47), "hkid": "hkid:0"])]

  /// The key id is taken back, then the pages.
  static func torn(vcpus: [Int]) -> [Call] {
    let flush = [
      on("MNG.VPFLUSHDONE"), leaf("PHYMEM.CACHE.WB", ["command": "start"]),
      leaf("PHYMEM.CACHE.WB", lp: 2, ["command": "start"]), on("MNG.KEY.FREEID"),
    ]
    let pages = vcpus.flatMap { first in (0...5).map { first - 5 + $0 } }
    let all = pages + [31, 32, 33] + [41, 42, 43, 44, 45, 46, 47]
    return flush
      + all.flatMap {
        [
          leaf("PHYMEM.PAGE.RECLAIM", ["page": page($0)]),
          leaf("PHYMEM.PAGE.RDMD", ["page": page($0)]),
        ]
      }
  }
}
