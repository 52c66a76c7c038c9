import ConformanceKit

extension ModuleBackend {
  /// Something of the state that has a name.
  enum Sight: Hashable, Sendable {
    case domain(Int, DomainField)
    case vcpu(Int, Int)
    /// The entry of a TD for a GPA at a level.
    case entry(Int, gpa: Int, level: Int)
    case key(Int)
    case package(Int)
    case lp(Int)
    case page(UInt64)
    case block(UInt64)
  }

  enum DomainField: String, Hashable, Sendable, CaseIterable {
    case lifecycle_state
    case fatal
    case chldcnt
    case num_tdcx
    case hkid
    case key_pkgs
    case op_state
    case num_vcpus
    case num_assoc_vcpus
    case epoch
    case refcount
  }

  static let sights: [(id: ObservationID, sight: Sight)] = {
    var list: [(id: ObservationID, sight: Sight)] = []
    func add(_ name: String, _ sight: Sight) { list.append((ObservationID(name), sight)) }
    for td in 0..<2 {
      for field in DomainField.allCases { add("td:\(td).\(field.rawValue)", .domain(td, field)) }
      for vcpu in 0..<2 { add("vcpu:\(td).\(vcpu)", .vcpu(td, vcpu)) }
      let entries = [3: [0], 2: [0, 6], 1: [0, 4, 6], 0: [0, 1, 2, 3, 4, 5, 6]]
      for (level, gpas) in entries.sorted(by: { $0.key > $1.key }) {
        for gpa in gpas {
          add("td:\(td)/gpa:\(gpa)/\(level)", .entry(td, gpa: gpa, level: level))
        }
      }
    }
    for key in 0..<ModuleNames.keys { add("hkid:\(key)", .key(key)) }
    for package in 0..<ModuleNames.platform.packages { add("pkg:\(package)", .package(package)) }
    for lp in ModuleNames.platform.packageOfLP.indices { add("lp:\(lp)", .lp(lp)) }
    let plain = (0..<ModuleNames.pages).map { "page:\($0)" }
    for name in plain + ["block:0+0", "block:0+1", "block:1+0", "block:1+1"] {
      if let address = ModuleNames().address(name) { add(name, .page(address)) }
    }
    for block in 0..<ModuleNames.blocks {
      add("block:\(block)", .block(ModuleNames.firstBlock + UInt64(block) << 21))
    }
    return list
  }()

  /// The names of everything that can be seen, in the order of ``look()``.
  public static var observable: [ObservationID] { sights.map(\.id) }

  public mutating func observe() throws(BackendError) -> [ObservationID: Value] {
    var seen: [ObservationID: Value] = [:]
    for (number, value) in look().enumerated() {
      if let value { seen[Self.sights[number].id] = value }
    }
    return seen
  }

  /// What can be seen now, in the order of ``observable``; nil where there is nothing.
  public func look() -> [Value?] {
    let domains = (0..<2).map { names["td:\($0)"].flatMap { module.domains[$0] } }
    return Self.sights.map { look($0.sight, domains) }
  }

  private func look(_ sight: Sight, _ domains: [TrustDomain?]) -> Value? {
    switch sight {
    case .domain(let td, let field): return domains[td].flatMap { look($0, field) }
    case .vcpu(let td, let number): return lookVCPU("vcpu:\(td).\(number)")
    case .entry(let td, let gpa, let level):
      return domains[td].flatMap { lookEntry($0, ModuleNames.gpas[gpa], level) }
    case .key(let number):
      let entry = module.keys[ModuleNames.firstKey + number]
      return [.text("\(entry.state)"), .word(entry.pending)]
    case .package(let number): return .integer(Int64(module.writeBacks[number].next))
    case .lp(let number):
      let guest = module.lps[number].guest
      return guest.flatMap { names.name(of: $0.vcpu.address) }.map { .text($0) }
    case .page(let address): return lookPage(module.metadata.entry(address, size: 0))
    case .block(let address):
      let block = module.metadata.entry(address, size: 1)
      let used = Int64(block.used)
      guard block.type == .REG else { return ["NDA", .integer(used)] }
      return ["REG", owner(block), .word(block.blockEpoch), .integer(used)]
    }
  }

  private func look(_ td: TrustDomain, _ field: DomainField) -> Value? {
    switch field {
    case .lifecycle_state: return .text("\(td.lifecycle)")
    case .fatal: return .flag(td.isFatal)
    case .chldcnt: return .integer(Int64(td.children))
    case .num_tdcx: return .integer(Int64(td.controlPages.count))
    case .hkid: return .text("hkid:\(td.hkid - ModuleNames.firstKey)")
    case .key_pkgs: return .word(td.packages)
    default: break
    }
    guard td.hasControl else { return nil }
    switch field {
    case .op_state: return .text("\(td.operation)")
    case .num_vcpus: return .integer(Int64(td.vcpus))
    case .num_assoc_vcpus: return .integer(Int64(td.associated))
    case .epoch: return .word(td.epoch)
    default: return .list(td.references.map { .integer(Int64($0)) })
    }
  }

  private func lookVCPU(_ name: String) -> Value? {
    guard let vcpu = names[name].flatMap({ module.vcpus[$0] }) else { return nil }
    return [
      .text("\(vcpu.state)"), .integer(Int64(vcpu.lp ?? -1)), .word(vcpu.epoch),
      .integer(Int64(vcpu.pages)),
    ]
  }

  private func lookEntry(_ td: TrustDomain, _ gpa: UInt64, _ level: Int) -> Value? {
    guard td.hasControl else { return nil }
    var table = td.root
    for at in stride(from: td.rootLevel, to: level, by: -1) {
      let entry = table.entries[SecureTable.index(gpa, level: at)]
      guard entry.state.isNonLeaf, let next = module.tables[entry.page] else { return nil }
      table = next
    }
    let entry = table.entries[SecureTable.index(gpa, level: level)]
    guard entry.state != .FREE else { return "FREE" }
    let size = entry.state.isLeaf ? level : 0
    return [.text("\(entry.state)"), .text(ModuleNames.text(entry.page, size: size))]
  }

  private func owner(_ page: PageMetadata) -> Value {
    .text(names.name(of: page.owner) ?? "?")
  }

  private func lookPage(_ page: PageMetadata) -> Value {
    switch page.type {
    case .NDA, .RSVD: return .text("\(page.type)")
    case .TDR: return ["TDR"]
    case .TDCX, .TDVPR: return [.text("\(page.type)"), owner(page)]
    case .REG, .EPT: return [.text("\(page.type)"), owner(page), .word(page.blockEpoch)]
    }
  }
}
