#include "model/model.h"

static const struct {
    struct str name;
    struct str canonical;
} names[] = {
    {STR_INIT("i386"), STR_INIT("i386")},       {STR_INIT("i486"), STR_INIT("i386")},
    {STR_INIT("i586"), STR_INIT("i386")},       {STR_INIT("i686"), STR_INIT("i386")},
    {STR_INIT("x86"), STR_INIT("i386")},        {STR_INIT("ia32"), STR_INIT("i386")},
    {STR_INIT("x86_64"), STR_INIT("x86_64")},   {STR_INIT("x86-64"), STR_INIT("x86_64")},
    {STR_INIT("amd64"), STR_INIT("x86_64")},    {STR_INIT("x64"), STR_INIT("x86_64")},
    {STR_INIT("arm32"), STR_INIT("arm32")},     {STR_INIT("arm"), STR_INIT("arm32")},
    {STR_INIT("armhf"), STR_INIT("arm32")},     {STR_INIT("armv7l"), STR_INIT("arm32")},
    {STR_INIT("arm64"), STR_INIT("arm64")},     {STR_INIT("aarch64"), STR_INIT("arm64")},
    {STR_INIT("loong64"), STR_INIT("loong64")}, {STR_INIT("loongarch64"), STR_INIT("loong64")},
    {STR_INIT("riscv32"), STR_INIT("riscv32")}, {STR_INIT("riscv64"), STR_INIT("riscv64")},
};

/*
 * DHCP option 93. Number 7 was meant for EFI byte code and is what x86-64 machines send; from 15 on
 * the even and odd ones are those of HTTP Boot. https://www.iana.org/assignments/dhcpv6-parameters
 */
static const struct {
    uint8_t number;
    struct str canonical;
} numbers[] = {
    {0, STR_INIT("i386")},     {6, STR_INIT("i386")},     {7, STR_INIT("x86_64")},
    {9, STR_INIT("x86_64")},   {10, STR_INIT("arm32")},   {11, STR_INIT("arm64")},
    {15, STR_INIT("i386")},    {16, STR_INIT("x86_64")},  {17, STR_INIT("x86_64")},
    {18, STR_INIT("arm32")},   {19, STR_INIT("arm64")},   {20, STR_INIT("i386")},
    {21, STR_INIT("arm32")},   {22, STR_INIT("arm64")},   {25, STR_INIT("riscv32")},
    {26, STR_INIT("riscv32")}, {27, STR_INIT("riscv64")}, {28, STR_INIT("riscv64")},
    {39, STR_INIT("loong64")}, {40, STR_INIT("loong64")},
};

/* iPXE says it so itself. */
#define RETURN_IF_IS(name)                                                                         \
    if (in.n == sizeof(name) - 1 && word == str_word(STR(name)))                                   \
        return STR(name);

struct str model_arch_known(struct str in)
{
    uint64_t word = str_word(in);
    RETURN_IF_IS("x86_64")
    RETURN_IF_IS("i386")
    RETURN_IF_IS("arm64")
    RETURN_IF_IS("arm32")
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (in.n == names[i].name.n && str_ieq(in, names[i].name))
            return names[i].canonical;
    uint64_t number;
    if (in.n <= 5 && str_to_u64(in, 65535, &number))
        for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
            if (number == numbers[i].number)
                return numbers[i].canonical;
    return (struct str){NULL, 0};
}

uint32_t model_boot_arch_index(const struct model_profile *p, struct str arch)
{
    for (uint32_t i = 0; arch.n && i < p->archs_n; i++)
        if (str_eq(p->archs[i].arch, arch))
            return i + 1;
    return 0;
}

struct model_boot model_boot_for(const struct model_profile *p, struct str arch)
{
    struct model_boot b = p->boot;
    uint32_t at = model_boot_arch_index(p, arch);
    if (!at)
        return b;
    const struct model_boot *own = &p->archs[at - 1].boot;
    if (own->has_kernel) {
        b.has_kernel = true;
        b.kernel = own->kernel;
    }
    if (own->has_initrd) {
        b.has_initrd = true;
        b.initrd = own->initrd;
        b.initrd_n = own->initrd_n;
    }
    if (own->has_args) {
        b.has_args = true;
        b.args = own->args;
        b.args_n = own->args_n;
    }
    if (own->has_efi) {
        b.has_efi = true;
        b.efi = own->efi;
    }
    return b;
}
