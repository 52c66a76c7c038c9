import SpecLanguage
import SpecProgram

/// Where the variables are that a replay looks at or sets.
struct KVMVariables: Sendable {
  let hkid: Int
  let vmDead: Int
  let bugged: Int
  /// `injected_status` of every leaf, then `injected_count`.
  let injected: [Int]
  let leaves: [String]
  /// The numbers of the leaves, by their names in small letters.
  private let numbers: [String: Int]
  let noEntropy: Int

  init(_ program: Program) throws(SpecError) {
    let places = Dictionary(
      program.namedPlaces.map { ($0.name, $0.base) }, uniquingKeysWith: { first, _ in first })
    let evaluator = ProcedureEvaluator(program)
    guard let hkid = places["kvm_tdx.hkid"], let dead = places["vm_dead"],
      let bugged = places["vm_bugged"],
      let status = places["injected_status"], let count = places["injected_count"],
      let fails = evaluator.action(named: KVMVariables.failure),
      case .enumeration(_, let leaves)? = fails.arguments.first?.1,
      case .enumeration(_, let statuses)? = fails.arguments.dropFirst().first?.1,
      let noEntropy = statuses.firstIndex(of: "noEntropy")
    else { throw SpecError("TDX2015", "\(program.spec.name) has not what recordings tell of") }
    self.hkid = hkid
    vmDead = dead
    self.bugged = bugged
    self.leaves = leaves
    numbers = Dictionary(
      leaves.enumerated().map { ($1.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    self.noEntropy = noEntropy
    injected = leaves.indices.map { status + $0 } + leaves.indices.map { count + $0 }
  }

  static let failure = "a SEAMCALL will fail"
  static let exit = "the guest's next exit"
  static let keyIDs = "other TDs' KeyIDs"

  /// The failure count's place among `injected`.
  func count(_ leaf: Int) -> Int { leaves.count + leaf }

  /// `memPageAdd` for `TDH.MEM.PAGE.ADD`: the spec's case for a leaf's name.
  func number(of leaf: String) -> Int? {
    let letters = leaf.dropFirst("TDH.".count).filter { $0 != "." }.lowercased()
    if let number = numbers[letters] { return number }
    if letters.hasSuffix("rd") { return numbers[letters.dropLast(2) + "read"] }
    return letters.hasSuffix("wr") ? numbers[letters.dropLast(2) + "write"] : nil
  }
}

extension KVMReplay {
  /// The next calls of a leaf fail.
  mutating func inject(_ step: KVMStep) throws(ModuleCallError) {
    guard let leaf = step.text("leaf"), let number = variables.number(of: leaf),
      let status = step.text("status"), let code = TraceValue.text(status).unsigned,
      let count = step.number("count"), count <= 11
    else { throw ModuleCallError("standin_fail: what fails is not known") }
    statuses[leaf] = status
    let kind: Int =
      switch code >> 32 {
      case 0x8000_0203: variables.noEntropy
      case 0x8000_0200: variables.noEntropy + 1
      case 0xC000_0100: variables.noEntropy + 2
      default: variables.noEntropy + 3
      }
    injected[number] = kind
    injected[variables.count(number)] = Int(count)
  }

  /// Carries out a call of the spec from its VM's state.
  mutating func perform(_ call: KVMCall) -> Result {
    var state = states[call.vm] ?? evaluator.program.initial
    for (cell, value) in zip(variables.injected, injected) { state[cell] = value }
    do throws(SpecError) {
      if call.action == "KVM_TDX_INIT_VM" {
        let others = states.filter { $0.key != call.vm && $0.value[variables.hkid] == 1 }.count
        let taken: [String: KVMCall.Value] = ["taken": .flag(others >= Self.keyIDs)]
        state = try plain(KVMVariables.keyIDs, taken, state)
      }
      if call.action == "KVM_RUN" {
        state = try plain(KVMVariables.exit, scriptedExit(script), state)
      }
      var looked: [LookedAt] = []
      let (answer, list, page) = try carryOut(call, state) { looked += LookedAt.all($0) }
      for (number, cell) in variables.injected.enumerated() {
        injected[number] = answer.state[cell]
      }
      if call.vm >= 0 { states[call.vm] = answer.state }
      return Result(
        answer: answer.outcome.name, leaves: list,
        check: answer.check.map { "\($0.action): “\($0.text)”, \($0.location)" }
          ?? "no check of \(call.action)",
        looked: looked, isRefused: answer.check != nil, page: page)
    } catch {
      return Result(answer: "\(error.code) \(error.message)", check: call.action)
    }
  }

  private func carryOut(
    _ call: KVMCall, _ state: [Int], observe: (TakenStep) -> Void = { _ in }
  ) throws(SpecError) -> (CarriedOutCall, [ListedLeaf], page: Int?) {
    guard let action = evaluator.action(named: call.action) else {
      throw SpecError("TDX2016", "the spec has no call '\(call.action)'")
    }
    var list = LeafList(replay: self, page: scriptedPage(call))
    var page: Int?
    let answer = try evaluator.call(
      action.number, try Self.encode(call.values, action.arguments), from: state
    ) { step in
      list.add(step)
      observe(step)
      if step.label == Self.loopStep { page = step.element }
    }
    guard let answer else {
      throw SpecError("TDX2016", "\(call.action) cannot happen in this state")
    }
    return (answer, list.finished(), page)
  }

  /// The first step of KVM_PRE_FAULT_MEMORY on a page.
  private static let loopStep = "kvm_arch_vcpu_pre_fault_memory"

  private func plain(
    _ name: String, _ values: [String: KVMCall.Value], _ state: [Int]
  ) throws(SpecError) -> [Int] {
    try carryOut(KVMCall(-1, name, values), state).0.state
  }

  static func encode(
    _ values: [String: KVMCall.Value], _ arguments: [(String, ValueType)]
  ) throws(SpecError) -> [Int] {
    var result: [Int] = []
    for (name, type) in arguments {
      switch (values[name], type) {
      case (.name(let text), .enumeration(_, let cases)):
        guard let number = cases.firstIndex(of: text) else {
          throw SpecError("TDX2016", "\(name) is never '\(text)'")
        }
        result.append(number)
      case (.flag(let flag), _): result.append(flag ? 1 : 0)
      case (.number(let number), _): result.append(number)
      case (.optional(let number), _): result.append(number.map { $0 + 1 } ?? 0)
      case (nil, _): result.append(0)
      case (.name(let text), _):
        throw SpecError("TDX2016", "\(name) is no enumeration, so it is never '\(text)'")
      }
    }
    return result
  }

  // MARK: Exits of the guest

  /// The GPA of the access that the guest exits for next.
  private func scripted(_ exit: TraceValue?) -> (gpa: UInt64, isPrivate: Bool)? {
    guard case .list(let list)? = exit, list.count > 3, list[0].text == "0x30",
      let gpa = list[3].unsigned
    else { return nil }
    return (KVMGeometry.withoutShared(gpa, list[1].unsigned), gpa >> 47 & 1 == 0)
  }

  private func scriptedPage(_ call: KVMCall) -> Int? {
    guard call.action == "KVM_RUN", let access = scripted(script) else { return nil }
    return calls.geometry.page(at: access.gpa)
  }

  private func scriptedExit(_ exit: TraceValue?) -> [String: KVMCall.Value] {
    guard case .list(let list)? = exit, let reason = list.first?.text else {
      return ["exit": .name("shutdown"), "gpa": .optional(nil)]
    }
    if let access = scripted(exit) {
      return [
        "exit": .name(access.isPrivate ? "privateAccess" : "sharedAccess"),
        "gpa": .optional(calls.geometry.page(at: access.gpa)),
      ]
    }
    let name = reason == "0x4d" ? Self.call(list.map { $0.unsigned ?? 0 }) : "toUser"
    return ["exit": .name(name), "gpa": .optional(nil)]
  }

  /// What KVM does with a TDVMCALL: R11 is its leaf, R12 and R13 its first arguments.
  private static func call(_ registers: [UInt64]) -> String {
    guard registers.count > 7, registers[5] == 0 else { return "answered" }
    switch registers[6] {
    case 0x10001:
      let size = registers.count > 8 ? registers[8] : 0
      let isFine = registers[7] % 4096 == 0 && size % 4096 == 0 && size > 0
      return isFine ? "mapGPA" : "answered"
    case 0x10002, 0x10003: return "toUser"
    default: return "answered"
    }
  }
}
