extension FaultPlace {
  /// Every place of the simulated KVM and TDX module, sorted.
  ///
  /// The lists are what runs of the recordings and of random calls pass; a test compares them.
  public static let all: [FaultPlace] = (parse(ofModule) + parse(ofKVM)).sorted()

  /// Every place of the simulated s390, sorted.
  public static let allOfS390: [FaultPlace] = parse(ofS390).sorted()

  /// Reads `CALL kind: name; name`; lines that begin with a space go on with the names.
  private static func parse(_ text: String) -> [FaultPlace] {
    var places: [FaultPlace] = []
    var call = ""
    var kind = Kind.check
    for line in text.split(separator: "\n") {
      var names = line
      if !line.hasPrefix(" "), let colon = line.firstIndex(of: ":") {
        let head = line[..<colon].split(separator: " ")
        guard head.count == 2, let found = Kind(rawValue: String(head[1])) else { continue }
        (call, kind) = (String(head[0]), found)
        names = line[line.index(after: colon)...]
      }
      for name in names.split(separator: ";") {
        let plain = name.drop { $0 == " " }
        if !plain.isEmpty {
          places.append(FaultPlace(call: call, kind: kind, name: String(plain)))
        }
      }
    }
    return places
  }

  /// The places as lines of at most 96 columns.
  public static func lines(_ places: [FaultPlace]) -> [String] {
    var lines: [String] = []
    var head = ""
    for place in places.sorted() {
      let wanted = "\(place.call) \(place.kind.rawValue):"
      if wanted != head {
        head = wanted
        lines.append(wanted)
      }
      let last = lines[lines.count - 1]
      if last.count + place.name.count + 2 > 92 {
        lines.append("  \(place.name);")
      } else {
        lines[lines.count - 1] = last + " \(place.name);"
      }
    }
    return lines
  }
}

extension Fault {
  private static let moduleCalls = Set(Leaf.allCases.map(\.text) + ["SEAMCALL", "GUEST"])

  /// Whether the TDX module makes it, and not the kernel.
  public var isOfModule: Bool { Self.moduleCalls.contains(call) }

  /// Whether KVM on s390 makes it, or the Ultravisor.
  public var isOfS390: Bool { call.hasPrefix("S390.") || call.hasPrefix("UVC.") }

  /// Every fault that can be switched on in KVM and the TDX module: each operator at each place it
  /// fits. Sorted by place.
  public static let all: [Fault] = faults(FaultPlace.all)

  /// Every fault that can be switched on in the simulated s390, likewise.
  public static let allOfS390: [Fault] = faults(FaultPlace.allOfS390)

  /// Every fault of any system.
  public static let every: [Fault] = all + allOfS390

  private static func faults(_ places: [FaultPlace]) -> [Fault] {
    var seen: Set<Fault> = []
    return places.flatMap(\.faults).filter { seen.insert($0).inserted }
  }

  /// The fault of an id such as `MEM.RANGE.BLOCK/missingEffect/bepoch`.
  public init?(id: String) {
    guard let fault = Fault.every.first(where: { $0.id == id }) else { return nil }
    self = fault
  }

  /// So many faults of each operator, drawn by a seed; fewer where there are not so many.
  public static func drawn(
    _ count: Int, ofEach seed: UInt64, from faults: Set<Fault>? = nil
  ) -> [Fault] {
    var random = SplitMix(seed: seed)
    return Operator.allCases.flatMap { kind in
      let possible = all.filter { $0.kind == kind && faults?.contains($0) != false }
      return Array(possible.shuffled(using: &random).prefix(count))
    }
  }
}
