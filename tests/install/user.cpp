// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header from C++, next to the system headers whose names might have clashed, and a
 * class as a program would wrap around it.
 */
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <winmem.h>

class Region {
public:
	explicit Region(SIZE_T size)
		: base(VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE))
	{
		if (!base)
			throw std::runtime_error("VirtualAlloc");
	}
	~Region()
	{
		VirtualFree(base, 0, MEM_RELEASE);
	}
	Region(const Region &) = delete;
	Region &operator=(const Region &) = delete;

	MEMORY_BASIC_INFORMATION info() const
	{
		MEMORY_BASIC_INFORMATION info = {};

		if (!VirtualQuery(base, &info, sizeof(info)))
			throw std::runtime_error("VirtualQuery");
		return info;
	}

private:
	PVOID base;
};

/* Types of C's that C++ is stricter about: an enum, a bit field, a union without name. */
static PVOID allocate_high(SIZE_T alignment)
{
	MEM_ADDRESS_REQUIREMENTS requirements = {};
	MEM_EXTENDED_PARAMETER parameter = {};

	requirements.LowestStartingAddress = reinterpret_cast<PVOID>(UINT64_C(1) << 40);
	requirements.Alignment = alignment;
	parameter.Type = MemExtendedParameterAddressRequirements;
	parameter.Pointer = &requirements;
	return VirtualAlloc2(GetCurrentProcess(), nullptr, 1, MEM_RESERVE, PAGE_NOACCESS,
			     &parameter, 1);
}

int main()
{
	try {
		Region region(10000);
		PVOID high = allocate_high(SIZE_T(1) << 24);
		ULONG_PTR address = reinterpret_cast<ULONG_PTR>(high);

		if (region.info().RegionSize != 12288)
			throw std::runtime_error("RegionSize");
		if (!high || address >> 40 == 0 || address << 40)
			throw std::runtime_error("VirtualAlloc2");
		if (!VirtualFree(high, 0, MEM_RELEASE))
			throw std::runtime_error("VirtualFree");
	} catch (const std::exception &error) {
		std::fprintf(stderr, "user, C++: %s: error %u\n", error.what(), GetLastError());
		return 1;
	}
	std::puts("user, C++: ok");
	return 0;
}
