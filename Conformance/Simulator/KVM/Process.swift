/// What an open file refers to.
enum OpenObject {
  case device
  case machine(VirtualMachine)
  case vcpu(VirtualCPU)
  case memory(GuestMemory)
}

/// An open file: descriptors and mappings hold it.
final class OpenFile {
  let object: OpenObject
  var references = 1

  init(_ object: OpenObject) { self.object = object }
}

/// A mapping: of a memfd, or of a vCPU's `kvm_run`.
struct Mapping {
  let file: OpenFile
  let base: UInt64
  let offset: UInt64
  let length: UInt64
  let isReadable: Bool
  let isWritable: Bool
}

/// The mappings of a process. New ones go right below those that are there, the highest gap first;
/// above the first there is other memory of the process.
struct AddressSpace {
  private(set) var mappings: [String: Mapping] = [:]

  /// The highest place where so many bytes fit.
  func place(_ length: UInt64) -> UInt64 {
    var top = HostMemory.mappings
    for mapping in mappings.values.sorted(by: { $0.base > $1.base }) {
      if top &- (mapping.base &+ mapping.length) >= length { break }
      top = mapping.base
    }
    return top &- length
  }

  subscript(_ name: String) -> Mapping? { mappings[name] }

  mutating func map(
    _ name: String, _ file: OpenFile, offset: UInt64 = 0, length: UInt64,
    isReadable: Bool = true, isWritable: Bool = true
  ) {
    mappings[name] = Mapping(
      file: file, base: place(length), offset: offset, length: length, isReadable: isReadable,
      isWritable: isWritable)
  }

  mutating func remove(_ name: String) -> Mapping? { mappings.removeValue(forKey: name) }

  /// What is mapped at an address.
  func mapping(at address: UInt64) -> Mapping? {
    mappings.values.first { $0.base <= address && address - $0.base < $0.length }
  }

  /// Unmaps everything; the files that were held, by name.
  mutating func removeAll() -> [OpenFile] {
    defer { mappings = [:] }
    return mappings.sorted { $0.key < $1.key }.map(\.value.file)
  }
}

/// A process: its descriptors and its mappings, which its threads share.
final class Process {
  let id: Int
  /// By descriptor number.
  var files: [Int: OpenFile] = [:]
  /// The descriptor of each name that was ever given one.
  var numbers: [String: Int] = [:]
  var space = AddressSpace()

  init(id: Int) {
    self.id = id
    open("dev", OpenFile(.device))
  }

  /// Descriptors 0 to 2 are taken.
  private static let first = 3

  func open(_ name: String, _ file: OpenFile) {
    var number = Self.first
    while files[number] != nil { number += 1 }
    files[number] = file
    numbers[name] = number
  }

  subscript(_ name: String) -> OpenFile? { numbers[name].flatMap { files[$0] } }

  /// Takes a descriptor away; the file may still be referred to.
  func close(_ name: String) -> OpenFile? {
    guard let number = numbers.removeValue(forKey: name) else { return nil }
    return files.removeValue(forKey: number)
  }

  /// A copy for a child, which holds everything too.
  func forked(id: Int) -> Process {
    let child = Process(id: id)
    child.files = files
    child.numbers = numbers
    child.space = space
    for file in files.values { file.references += 1 }
    for mapping in space.mappings.values { mapping.file.references += 1 }
    return child
  }
}
