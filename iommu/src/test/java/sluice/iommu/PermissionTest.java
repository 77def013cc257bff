package sluice.iommu;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class PermissionTest {
    @Test
    void bitsAreThoseOfVhost() {
        assertThat(Permission.READ_ONLY.bits()).isEqualTo(1);
        assertThat(Permission.WRITE_ONLY.bits()).isEqualTo(2);
        assertThat(Permission.READ_WRITE.bits()).isEqualTo(3);
        for (Permission permission : Permission.values()) {
            assertThat(Permission.of(permission.bits())).isEqualTo(permission);
        }
        assertThatThrownBy(() -> Permission.of(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Permission.of(4)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("permission 4 is none of");
    }

    @Test
    void writeOnlyDoesNotImplyReading() {
        assertThat(Permission.WRITE_ONLY.allows(Access.WRITE)).isTrue();
        assertThat(Permission.WRITE_ONLY.allows(Access.READ)).isFalse();
        assertThat(Permission.READ_ONLY.allows(Access.WRITE)).isFalse();
        assertThat(Permission.READ_WRITE.allows(Access.READ)).isTrue();
    }

    @Test
    void aUnionAllowsWhatEitherAllows() {
        for (Permission a : Permission.values()) {
            for (Permission b : Permission.values()) {
                for (Access access : Access.values()) {
                    assertThat(a.union(b).allows(access)).isEqualTo(a.allows(access) || b.allows(access));
                }
            }
        }
    }
}
