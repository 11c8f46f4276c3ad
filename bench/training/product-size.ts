/** Rows and columns of the matrices whose product is timed: it fills the largest device and fits the smallest. */
export const PRODUCT_SIDE = 2048;

/** Additions and multiplications of one product. */
export const PRODUCT_OPERATIONS = 2 * PRODUCT_SIDE ** 3;
