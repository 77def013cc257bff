package sluice.vdev.vhostuser;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.iommu.Access;
import sluice.iommu.AddressRange;
import sluice.iommu.Permission;
import sluice.vdev.io.ProtocolViolation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** struct vhost_iotlb_msg (linux/vhost_types.h) byte for byte, and the ranges that need a thought. */
class IotlbMessageTest {
    private static final int MISS = 1;
    private static final int UPDATE = 2;
    private static final int INVALIDATE = 3;

    private static ByteBuf message(long address, long size, long target, int permission, int type) {
        return Unpooled.buffer(32).writeLongLE(address).writeLongLE(size).writeLongLE(target).writeByte(permission)
                .writeByte(type);
    }

    /** Sizes in which a front-end takes everything back, or a range that ends where all addresses end. */
    @ParameterizedTest
    @CsvSource({ "0,1,0,0", "1000,1000,1000,1fff", "0,0,0,ffffffffffffffff", "5000,0,0,ffffffffffffffff",
            "fffffffffffff000,1000,fffffffffffff000,ffffffffffffffff",
            "fffffffffffff000,2000,fffffffffffff000,ffffffffffffffff",
            "1,ffffffffffffffff,1,ffffffffffffffff", "2,ffffffffffffffff,2,ffffffffffffffff",
            "0,ffffffffffffffff,0,fffffffffffffffe", "7fffffffffffffff,2,7fffffffffffffff,8000000000000000" })
    void anInvalidationIsOfTheseAddresses(String address, String size, String first, String last) throws Exception {
        ByteBuf message = message(hex(address), hex(size), 77, 0, INVALIDATE);
        assertThat(IotlbMessage.read(message))
                .isEqualTo(new FrontEndMessage.IotlbInvalidate(new AddressRange(hex(first), hex(last))));
    }

    private static long hex(String digits) {
        return Long.parseUnsignedLong(digits, 16);
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 4, 5, 255 })
    void otherTypesAreNotAFrontEnds(int type) {
        assertThatThrownBy(() -> IotlbMessage.read(message(0, 4096, 0, 3, type)))
                .isInstanceOf(ProtocolViolation.class).hasMessageContaining("type " + type);
    }

    @Test
    void anUpdateSaysWhereAndWhatFor() throws Exception {
        assertThat(IotlbMessage.read(message(0x1000, 0x2000, 0x7f00_0000_3000L, 3, UPDATE)))
                .isInstanceOfSatisfying(FrontEndMessage.IotlbUpdate.class, update -> {
                    assertThat(update.address()).isEqualTo(0x1000);
                    assertThat(update.size()).isEqualTo(0x2000);
                    assertThat(update.target()).isEqualTo(0x7f00_0000_3000L);
                });
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, 2, 3 })
    void anUpdateAllowsReadingWritingOrBoth(int permission) throws Exception {
        assertThat(IotlbMessage.read(message(0, 4096, 0, permission, UPDATE)))
                .isEqualTo(new FrontEndMessage.IotlbUpdate(0, 4096, 0, Permission.of(permission)));
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 4, 255 })
    void anUpdateForNothingOrForMoreIsRefused(int permission) {
        assertThatThrownBy(() -> IotlbMessage.read(message(0, 4096, 0, permission, UPDATE)))
                .isInstanceOf(ProtocolViolation.class).hasMessageContaining("permission " + permission);
    }

    /** QEMU pads the structure to 32 bytes, and takes no other length. */
    @ParameterizedTest
    @EnumSource
    void aQuestionNamesTheAddressAndWhatItIsWantedFor(Access access) {
        ByteBuf body = Unpooled.buffer(32);
        IotlbMessage.writeMiss(body, 0xffff_ffff_ffff_f123L, access);
        assertThat(body.readableBytes()).isEqualTo(32);
        assertThat(body.readLongLE()).isEqualTo(0xffff_ffff_ffff_f123L);
        assertThat(body.readLongLE()).as("size").isZero();
        assertThat(body.readLongLE()).as("user address").isZero();
        assertThat(body.readByte()).as("VHOST_ACCESS_RO or _WO").isEqualTo((byte) (access == Access.READ ? 1 : 2));
        assertThat(body.readByte()).isEqualTo((byte) MISS);
        while (body.isReadable())
            assertThat(body.readByte()).as("padding").isZero();
    }
}
