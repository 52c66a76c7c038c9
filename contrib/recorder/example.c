/* Makes a VM, a file and a mapping of it, and mistakes; for the recorder's test. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct gmem {
	unsigned long long size, flags, reserved[6];
};

int main(void)
{
	struct gmem good = { .size = 0x4000, .flags = 3 }, bad = { .size = 1 };
	int dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm = ioctl(dev, 0xae01, 0);
	int file;
	void *map;

	if (vm < 0)
		return 4;
	ioctl(vm, 0xc040aed4, &bad);
	file = ioctl(vm, 0xc040aed4, &good);
	if (file < 0)
		return 4;
	fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 0x1000);
	fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 0x8000);
	fallocate(file, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 0x1000);
	map = mmap(0, 0x4000, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (map != MAP_FAILED)
		munmap(map, 0x4000);
	close(file);
	close(vm);
	close(dev);
	return 0;
}
