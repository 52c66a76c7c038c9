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

/// A mapping of a memfd.
struct Mapping {
  let file: OpenFile
  let base: UInt64
  let offset: UInt64
  let length: UInt64
  let isReadable: Bool
  let isWritable: Bool
}

/// A process: its descriptors and its mappings.
struct Process {
  let id: Int
  /// By descriptor number.
  var files: [Int: OpenFile] = [:]
  /// The descriptor of each name that was ever given one.
  var numbers: [String: Int] = [:]
  var mappings: [String: Mapping] = [:]

  init(id: Int) {
    self.id = id
    open("dev", OpenFile(.device))
  }

  /// Descriptors 0 to 2 are taken.
  private static let first = 3

  mutating func open(_ name: String, _ file: OpenFile) {
    var number = Self.first
    while files[number] != nil { number += 1 }
    files[number] = file
    numbers[name] = number
  }

  subscript(_ name: String) -> OpenFile? { numbers[name].flatMap { files[$0] } }

  /// Takes a descriptor away; the file may still be referred to.
  mutating func close(_ name: String) -> OpenFile? {
    guard let number = numbers.removeValue(forKey: name) else { return nil }
    return files.removeValue(forKey: number)
  }

  /// A copy for a child, which holds everything too.
  func forked(id: Int) -> Process {
    var child = Process(id: id)
    child.files = files
    child.numbers = numbers
    child.mappings = mappings
    for file in files.values { file.references += 1 }
    for mapping in mappings.values { mapping.file.references += 1 }
    return child
  }
}
