/// Which processes a trace has, and what their descriptors are.
///
/// Threads and children that share descriptors have one table; a child of fork has a copy.
struct DescriptorTables {
  /// Something that descriptors name.
  struct Object: Sendable {
    let kind: DescriptorKind
    /// The VM that it is or belongs to; -1 for /dev/kvm.
    let vm: Int
    /// As recordings name it.
    let handle: String
    /// The process that made it.
    let process: Int
  }

  /// A mapping of a memfd in a process.
  struct Mapping {
    let process: Int
    let start: UInt64
    let length: UInt64
    let handle: String
    let object: Int
  }

  private(set) var objects: [Object] = []
  private(set) var mappings: [Mapping] = []
  private var tables: [[Int: Int]] = [[:]]
  /// The process of each thread.
  private var processes: [Int: Int] = [:]
  private var threads: [Int: Set<Int>] = [:]
  /// Children whose beginning is not seen yet: who made them, and whether they are threads.
  private var children: [Int: (parent: Int, isThread: Bool)] = [:]

  /// The trace tells processes and not threads: one that nobody made is a child of the first.
  private let tellsProcesses: Bool

  /// - Parameter calls: the whole trace: a child's first call can return before the parent's clone.
  init(_ calls: [SystemCall], tellsProcesses: Bool) {
    self.tellsProcesses = tellsProcesses
    for call in calls {
      guard let child = call.ret, child > 0 else { continue }
      let flags = call.number("flags") ?? 0
      switch call.name {
      case "clone", "clone3":
        // With KVM a VM belongs to an address space, and descriptors to their table; both are
        // shared by threads alone.
        children[child] = (call.pid, flags & 0x500 == 0x500)
      case "fork", "vfork": children[child] = (call.pid, false)
      default: continue
      }
    }
  }

  /// The process of a thread. One that nobody made is a thread of the first, or its child.
  mutating func process(of pid: Int) -> Int {
    if let known = processes[pid] { return known }
    var number = 0
    if let (parent, isThread) = children[pid], parent != pid {
      children[pid] = nil
      let made = process(of: parent)
      number = made
      if !isThread {
        number = tables.count
        tables.append(tables[made])
      }
    } else if tellsProcesses, !processes.isEmpty {
      number = tables.count
      tables.append(tables[0])
    }
    processes[pid] = number
    threads[number, default: []].insert(pid)
    return number
  }

  /// A child has what its parent has when it is made.
  mutating func made(_ child: Int) { _ = process(of: child) }

  func object(_ descriptor: Int?, in process: Int) -> Int? {
    descriptor.flatMap { tables[process][$0] }
  }

  mutating func add(_ object: Object) -> Int {
    objects.append(object)
    return objects.count - 1
  }

  mutating func open(_ descriptor: Int, _ object: Int, in process: Int) {
    tables[process][descriptor] = object
  }

  /// Closes a descriptor.
  ///
  /// - Returns: what it was, and whether it was the process's last of it.
  mutating func close(_ descriptor: Int, in process: Int) -> (object: Int, isLast: Bool)? {
    guard let object = tables[process].removeValue(forKey: descriptor) else { return nil }
    return (object, !tables[process].values.contains(object))
  }

  /// The descriptors of a process between two numbers, in order.
  func descriptors(in process: Int, _ range: ClosedRange<Int>) -> [Int] {
    tables[process].keys.filter(range.contains).sorted()
  }

  /// Whether anything in any process keeps the object.
  func isHeld(_ object: Int) -> Bool {
    tables.contains { $0.values.contains(object) } || mappings.contains { $0.object == object }
  }

  /// A thread is no more.
  ///
  /// - Returns: the process whose last thread it was.
  mutating func exit(_ pid: Int) -> Int? {
    let process = process(of: pid)
    threads[process]?.remove(pid)
    processes[pid] = nil
    guard threads[process]?.isEmpty == true else { return nil }
    return process
  }

  /// All of a process is gone: it ended, or runs another program.
  mutating func clear(_ process: Int) {
    tables[process] = [:]
    mappings.removeAll { $0.process == process }
  }

  // MARK: Mappings

  mutating func map(_ mapping: Mapping) { mappings.append(mapping) }

  mutating func unmap(_ number: Int) { mappings.remove(at: number) }

  func mapping(at address: UInt64, in process: Int) -> Int? {
    mappings.firstIndex {
      $0.process == process && address >= $0.start && address - $0.start < $0.length
    }
  }
}
