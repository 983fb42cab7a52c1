declare global {
  namespace App {
    interface PageState {
      /** The viewer lies over the page; going back closes it. */
      viewing?: boolean;
    }
  }
}

export {};
