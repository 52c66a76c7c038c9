import CKVM
import Glibc

/// A descriptor that is closed when nobody has it any more.
public struct Descriptor: ~Copyable {
  /// The kernel's number for it.
  public let number: Int32

  /// Takes over an open descriptor.
  public init(owning number: Int32) { self.number = number }

  /// Opens a file; nil with `errno` set when that fails.
  public init?(path: String, flags: Int32) {
    let opened = open(path, flags | O_CLOEXEC)
    guard opened >= 0 else { return nil }
    self.init(owning: opened)
  }

  deinit { _ = Glibc.close(number) }

  /// Gives the number away; whoever takes it closes it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }

  /// The value, or the negative errno.
  func ioctl(_ request: UInt64, _ argument: UInt64 = 0) -> Int64 {
    ckvm_ioctl(number, request, argument)
  }
}

/// Zeroed memory that a call reads or writes, on a page of its own.
struct CallMemory: ~Copyable {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 4096)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  /// As a call takes it.
  var address: UInt64 { UInt64(UInt(bitPattern: bytes.baseAddress)) }

  /// The structure at an offset, which is within the memory.
  subscript<T: BitwiseCopyable>(_ offset: Int, as type: T.Type) -> T {
    get { bytes.load(fromByteOffset: offset, as: type) }
    nonmutating set { bytes.storeBytes(of: newValue, toByteOffset: offset, as: type) }
  }
}
