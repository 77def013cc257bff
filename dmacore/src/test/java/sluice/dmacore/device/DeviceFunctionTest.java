package sluice.dmacore.device;

import java.util.HashSet;
import java.util.Set;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import sluice.dmacore.space.DeviceSpace;
import sluice.dmacore.space.SystemMemory;
import sluice.iommu.AddressRange;
import sluice.iommu.space.IoSpaceOptions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The address space that a function gets with its parameters. */
@Tag("S17")
class DeviceFunctionTest {
    private final SystemMemory system = new SystemMemory();

    private AddressRange addresses(long dmaMask) {
        DeviceFunction function = DeviceFunction.open("codec", DeviceDmaParams.throughIommu().withDmaMask(dmaMask),
                system);
        assertThat(function.space().isIdentity()).isFalse();
        return function.space().table().options().aperture();
    }

    /** Addresses begin behind 1 MiB, so that a null pointer faults, and end where the device's do. */
    @Test
    void aFunctionsAddressesEndWithItsMask() {
        assertThat(addresses(0xffff_ffffL)).isEqualTo(new AddressRange(1 << 20, 0xffff_ffffL));
        assertThat(addresses((1L << 40) - 1)).isEqualTo(new AddressRange(1 << 20, (1L << 40) - 1));
        for (long mask : new long[]{ (1L << 48) - 1, Long.MAX_VALUE, -1 }) {
            assertThat(addresses(mask).last()).as("no table is wider").isEqualTo((1L << 48) - 1);
        }
    }

    /** An address that one device was given is none of its neighbour's. */
    @Test
    void functionsOfAMachineBeginInTebibytesOfTheirOwn() {
        Set<Long> first = new HashSet<>();
        for (int i = 0; i < 64; i++) {
            long begin = addresses(-1).first();
            assertThat(begin & ((1L << 40) - 1)).isEqualTo(1 << 20);
            first.add(begin);
        }
        assertThat(first).hasSize(64);
    }

    @Test
    @Tag("S18")
    void withoutAnIommuAddressesAreTheMachinesOwn() {
        DeviceFunction function = DeviceFunction.open("scan-out", DeviceDmaParams.physicallyContiguous(), system);
        assertThat(function.space().isIdentity()).isTrue();
        assertThat(function.name()).isEqualTo("scan-out");
        assertThat(function.params()).isEqualTo(DeviceDmaParams.physicallyContiguous());
    }

    @Test
    @Tag("S18")
    void parametersAndSpaceSayTheSame() {
        DeviceSpace translated = DeviceSpace.open(IoSpaceOptions.of("gpu", AddressRange.of(0, 1 << 30)));
        DeviceSpace direct = DeviceSpace.withoutIommu("gpu", system);
        DeviceDmaParams through = DeviceDmaParams.throughIommu();
        assertThat(DeviceFunction.of("gpu", through, translated).space()).isSameAs(translated);
        assertThat(DeviceFunction.of("gpu", through.withTranslated(false), direct).space()).isSameAs(direct);
        assertThatThrownBy(() -> DeviceFunction.of("gpu", through, direct))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> DeviceFunction.of("gpu", through.withTranslated(false), translated))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatIsAliveIsCounted() {
        DeviceFunction function = DeviceFunction.open("gpu", DeviceDmaParams.throughIommu(), system);
        function.noteMapped();
        function.noteMapped();
        assertThat(function.liveMappings()).isEqualTo(2);
        function.noteUnmapped();
        assertThat(function.liveMappings()).isEqualTo(1);
        function.noteAttached();
        function.noteAttached();
        function.noteDetached();
        assertThat(function.liveAttachments()).isEqualTo(1);
    }
}
