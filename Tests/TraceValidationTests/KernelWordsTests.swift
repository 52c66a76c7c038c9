import Catalogue
import ConformanceKit
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration
@testable import TraceValidation

/// Calls in the kernel's words, put back into the spec's by what reads recorded calls.
@Suite struct KernelWordsTests {
  private let program: Program
  private let inputs: [CallInput]

  init() throws {
    let spec = try #require(Catalogue.entry(named: "kvm/tdx")).describe()
    program = try Program(
      spec, try ResolvedScope(spec, overrides: ["ARGUMENTS": 1, "TYPES": 1, "ENVIRONMENT": 1]))
    inputs = try CallAlphabet(program, MachineOptions()).inputs
  }

  private func value(_ value: ConformanceKit.Value) -> TraceValue {
    switch value {
    case .flag(let flag): .bool(flag)
    case .integer(let number): .number(Int(number))
    case .word(let number): .text("0x" + String(number, radix: 16))
    case .text(let text): .text(text)
    case .list(let list): .list(list.map { self.value($0) })
    }
  }

  private func step(_ call: Call) throws -> KVMStep {
    var arguments = call.arguments
    let by = arguments.removeValue(forKey: "by")
    let own = arguments.sorted { $0.key < $1.key }.map { (key: $0.key, value: value($0.value)) }
    var members: [(key: String, value: TraceValue)] = [
      ("op", .text(call.name)), ("ret", .number(0)), ("args", .members(own)),
    ]
    if let by { members.append(("by", value(by))) }
    return try KVMStep(.members(members))
  }

  /// What makes the descriptors, and all intervals of the GPA space and the file.
  private func before() throws -> [KVMStep] {
    try [
      Call("KVM_CREATE_VM", ["new": "vm0", "type": 5]),
      Call("KVM_CREATE_VCPU", ["on": "vm0", "new": "vcpu0", "id": 0]),
      Call("KVM_CREATE_GUEST_MEMFD", ["on": "vm0", "new": "gmem0", "size": 4096, "flags": 0]),
      Call(
        "KVM_SET_USER_MEMORY_REGION2",
        [
          "on": "vm0", "slot": 0, "gpa": 0, "size": 4096, "flags": 4, "hva": "buf+0x0",
          "gmem": "gmem0", "gmem_offset": 0,
        ]),
    ].map(step)
  }

  /// What says nothing for this call, and so is read as anything. So does which file a call
  /// creates: files are numbered by their creations, and one was created before.
  private static let silent: Set<String> = ["fd_table_full", "vcpu"]

  @Test func everyCallComesBackAsItWas() throws {
    let words = KernelWords(program.scope)
    let evaluator = ProcedureEvaluator(program)
    var compared: [String: Int] = [:]
    for (input, call) in inputs.flatMap({ input in
      words.calls(input.call).map { (input, $0) }
    }) {
      let action = try #require(evaluator.action(named: input.call.name))
      let step = try step(call)
      let calls = KVMCalls(
        handles: KVMHandles(try before() + [step]), geometry: KVMGeometry(try before() + [step]))
      let back = try #require(try calls.call(step) { $0 == "gmem0" })
      #expect(back.action == input.call.name)
      var values = try KVMReplay.encode(back.values, action.arguments)
      for (place, argument) in action.arguments.enumerated()
      where back.values[argument.0] == nil || Self.silent.contains(argument.0)
        || input.call.name == "KVM_CREATE_GUEST_MEMFD" && argument.0 == "gmem"
      {
        values[place] = input.arguments[place]
      }
      // Recordings are replayed with a shift of their own that means no distance.
      if let place = action.arguments.firstIndex(where: { $0.0 == "offset" }) {
        values[place] -= KVMReplay.bias - words.bias
        if back.values["backing"] != .name("file") { values[place] = input.arguments[place] }
      }
      #expect(values == input.arguments, "\(input.call) as \(call)")
      compared[input.call.name, default: 0] += 1
    }
    for name in [
      "KVM_CREATE_VM", "KVM_ENABLE_CAP", "KVM_TDX_INIT_VM", "KVM_CREATE_VCPU",
      "KVM_TDX_INIT_VCPU", "KVM_TDX_FINALIZE_VM", "KVM_CREATE_GUEST_MEMFD",
      "KVM_SET_USER_MEMORY_REGION2", "KVM_SET_MEMORY_ATTRIBUTES", "KVM_TDX_INIT_MEM_REGION",
      "KVM_PRE_FAULT_MEMORY", "fallocate", "close(vm)", "close(vcpu)", "close(gmem)",
      "KVM_SET_CPUID2",
    ] {
      #expect(compared[name, default: 0] > 0, "\(name)")
    }
  }
}
