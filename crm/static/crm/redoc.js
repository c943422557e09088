const place = document.getElementById("docs");
const font = "system-ui, sans-serif"; // what the computer has

// The only picture is the maker's, at the foot of the menu, from another host: it is not made.
const make = document.createElement.bind(document);
document.createElement = (name, options) => make(name === "img" ? "span" : name, options);

Redoc.init(
  place.dataset.schema,
  {
    nativeScrollbars: true,
    requiredPropsFirst: true,
    theme: { typography: { fontFamily: font, headings: { fontFamily: font } } },
  },
  place,
);
