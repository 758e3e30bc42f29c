'use strict';
// Sliders over pictures; folded parts open for the printer.
(() => {
  document.documentElement.classList.add('js');
  for (const strip of document.querySelectorAll('.frames')) {
    const pictures = [...strip.querySelectorAll('figure')], slider = strip.querySelector('input');
    const show = () => {
      pictures.forEach((picture, n) => picture.classList.toggle('current', n === +slider.value));
      const caption = pictures[+slider.value].querySelector('figcaption').textContent;
      slider.setAttribute('aria-valuetext', caption);
    };
    slider.addEventListener('input', show);
    show();
  }
})();
