package sluice.iommu;

/**
 * Who a mapping belongs to, as far as this floor knows: a number that means something to whoever maps, and words for a
 * person who reads a fault.
 *
 * @param tag any number
 * @param label a few words, such as "resource 7 of gpu0"
 */
public record Owner(long tag, String label) {
    @Override
    public String toString() {
        return label;
    }
}
