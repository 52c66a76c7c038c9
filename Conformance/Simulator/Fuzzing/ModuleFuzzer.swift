import ConformanceKit

/// Makes calls of the module at random: mostly the next ones of a TD's life, with operands that
/// mostly fit, so that all of its states are met.
public struct ModuleFuzzer {
  private var random: SplitMix
  /// How many pages were named so far.
  private var nextPage = 0

  public init(seed: UInt64) { random = SplitMix(seed: seed) }

  private static let leaves = Leaf.allCases.map(\.text)
  private static let guestCalls = ["GUEST.EXIT", "GUEST.ACCESS", "TDG.MEM.PAGE.ACCEPT"]

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int(random.next() % UInt64(values.count))]
  }

  private mutating func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }

  private mutating func page() -> Value {
    if chance(70) {
      nextPage = (nextPage + 1) % ModuleNames.pages
      return .text("page:\(nextPage)")
    }
    return pick([
      "block:0", "block:1", "block:0+1", "pa:unaligned", "pa:outside", "pa:hkid_bits", "pa:null",
      "page:0", "page:1",
    ])
  }

  private mutating func td() -> Value { chance(95) ? pick(["td:0", "td:1"]) : page() }

  private mutating func vcpu() -> Value {
    chance(95) ? .text("vcpu:\(pick([0, 1])).\(pick([0, 1]))") : page()
  }

  /// The next call. A name that is not bound yet makes the backend refuse it.
  public mutating func next() -> Call {
    let life: [(String, Int)] = [
      ("MNG.CREATE", 4), ("MNG.KEY.CONFIG", 6), ("MNG.ADDCX", 16), ("MNG.INIT", 6),
      ("VP.CREATE", 4), ("VP.ADDCX", 12), ("VP.INIT", 6), ("MEM.SEPT.ADD", 12),
      ("MEM.PAGE.ADD", 4), ("MEM.PAGE.AUG", 8), ("MR.FINALIZE", 3), ("VP.ENTER", 8),
      ("GUEST.EXIT", 6), ("TDG.MEM.PAGE.ACCEPT", 5), ("MEM.RANGE.BLOCK", 5), ("MEM.TRACK", 5),
      ("MEM.PAGE.REMOVE", 4), ("MEM.RANGE.UNBLOCK", 3), ("VP.FLUSH", 4),
      ("MNG.VPFLUSHDONE", 2), ("PHYMEM.CACHE.WB", 5), ("MNG.KEY.FREEID", 3),
      ("PHYMEM.PAGE.RECLAIM", 12),
    ]
    let total = life.reduce(0) { $0 + $1.1 }
    var left = Int(random.next() % UInt64(total + 20))
    for (name, weight) in life {
      if left < weight { return call(name) }
      left -= weight
    }
    let name = pick(Self.leaves + Self.guestCalls)
    // After a shutdown nothing else happens.
    return call(name == "SYS.SHUTDOWN" && !chance(2) ? "MEM.SEPT.RD" : name)
  }

  private mutating func call(_ name: String) -> Call {
    var call = Call(name)
    call.arguments = [
      "lp": .integer(Int64(random.next() % 4)), "td": td(), "page": page(), "vcpu": vcpu(),
      "hkid": pick(["hkid:0", "hkid:1", "hkid:2", "hkid:module", "hkid:none"]),
      "gpa": .text(chance(95) ? "gpa:\(random.next() % 7)" : "gpa:shared"),
      "level": .integer(Int64(random.next() % 5)),
      "params": chance(80) ? "ok" : pick(["one_vcpu", "zero_vcpus", "bad_eptp", "unaligned"]),
      "command": pick(["start", "start", "resume", "invalid"]),
      "reason": pick(["interrupt", "vmcall", "triple_fault", "apic_disabled"]),
      "chunk": .integer(Int64(random.next() % 16)),
    ]
    for flag in ["reserved_bit", "allow_existing", "source_unaligned", "tsc_adjust_changed"] {
      if chance(3) { call.arguments[flag] = true }
    }
    if chance(5) { call.arguments["irq_after"] = .integer(Int64(random.next() % 3)) }
    if chance(2) { call.arguments["version"] = .integer(Int64(random.next() % 3)) }
    if chance(3) { call.arguments["pconfig"] = pick(["busy", "error"]) }
    return call
  }
}
