import Synchronization

/// What a descriptor of a test stands for, as far as the runner has to know.
enum ObjectKind: Hashable, Sendable {
  case device
  /// A VM of a type.
  case machine(type: UInt64)
  /// A vCPU of a VM of a type, with the address of its `kvm_run`.
  case vcpu(type: UInt64, run: UInt64, length: Int)
  case memory
}

/// The names that a test gave to descriptors and mappings; its threads share them.
///
/// Nothing is closed here: the end of the process does that, in the order of the kernel.
final class ObjectTable: Sendable {
  /// An open descriptor.
  struct Object: Hashable, Sendable {
    let number: Int32
    let kind: ObjectKind
  }

  /// A mapping.
  struct Mapping: Hashable, Sendable {
    let base: UInt64
    let length: UInt64
  }

  private struct State {
    var objects: [String: Object] = [:]
    var mappings: [String: Mapping] = [:]
    /// How many memfds were created.
    var memories = 0
  }

  private let state = Mutex(State())

  /// What a name stands for; nil when it was never given or has been closed.
  subscript(_ name: String) -> Object? { state.withLock { $0.objects[name] } }

  /// The descriptor's number, or -1, which is never open.
  func number(_ name: String?) -> Int32 { name.flatMap { self[$0] }?.number ?? -1 }

  func bind(_ name: String?, _ object: Object) {
    state.withLock {
      if object.kind == .memory { $0.memories += 1 }
      if let name { $0.objects[name] = object }
    }
  }

  /// Forgets the name; who forgets it closes the descriptor.
  func take(_ name: String) -> Object? { state.withLock { $0.objects.removeValue(forKey: name) } }

  var memoryCount: Int { state.withLock { $0.memories } }

  func mapping(_ name: String) -> Mapping? { state.withLock { $0.mappings[name] } }

  func map(_ name: String, _ mapping: Mapping) { state.withLock { $0.mappings[name] = mapping } }

  func unmap(_ name: String) -> Mapping? {
    state.withLock { $0.mappings.removeValue(forKey: name) }
  }

  /// The names of VMs with their descriptors.
  var machines: [(name: String, number: Int32)] {
    state.withLock { state in
      state.objects.compactMap { name, object in
        guard case .machine = object.kind else { return nil }
        return (name, object.number)
      }
    }
  }
}
